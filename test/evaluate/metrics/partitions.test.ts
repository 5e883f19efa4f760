import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { averageLink, cutTree } from '../../../src/evaluate/metrics/averageLink.ts';
import { averagePrecision } from '../../../src/evaluate/metrics/averagePrecision.ts';
import { comparePartitions } from '../../../src/evaluate/metrics/partitions.ts';

const labels = (n: number) => fc.array(fc.integer({ min: 0, max: 4 }), { minLength: n, maxLength: n });
const twoPartitions = fc.integer({ min: 2, max: 25 }).chain((n) => fc.tuple(labels(n), labels(n)));
const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

test('BCubed is the mean over faces of the share of their cluster, and of their person, that agrees', () => {
  fc.assert(
    fc.property(twoPartitions, ([clusters, people]) => {
      let [precision, recall] = [0, 0];
      clusters.forEach((cluster, i) => {
        const inCluster = clusters.flatMap((other, k) => (other === cluster ? [k] : []));
        const ofPerson = people.flatMap((other, k) => (other === people[i] ? [k] : []));
        const both = inCluster.filter((k) => people[k] === people[i]).length;
        precision += both / inCluster.length / clusters.length;
        recall += both / ofPerson.length / clusters.length;
      });
      near(comparePartitions(clusters, people)().bcubed, (2 * precision * recall) / (precision + recall));
    }),
  );
});

test('pairwise F is that of pairs put together against pairs that belong together', () => {
  fc.assert(
    fc.property(twoPartitions, ([clusters, people]) => {
      let [together, belonging, both] = [0, 0, 0];
      clusters.forEach((cluster, i) => {
        for (let k = 0; k < i; k++) {
          const [a, b] = [clusters[k] === cluster, people[k] === people[i]];
          together += Number(a);
          belonging += Number(b);
          both += Number(a && b);
        }
      });
      const expected = together + belonging === 0 ? 1 : (2 * both) / (together + belonging);
      near(comparePartitions(clusters, people)().pairwiseF, expected);
    }),
  );
});

test('NMI is mutual information over the mean entropy, by the definition', () => {
  fc.assert(
    fc.property(twoPartitions, ([clusters, people]) => {
      const n = clusters.length;
      const share = (test: (i: number) => boolean) => clusters.filter((_, i) => test(i)).length / n;
      let [information, entropy] = [0, 0];
      for (let c = 0; c <= 4; c++) {
        const ofCluster = share((i) => clusters[i] === c);
        const ofPerson = share((i) => people[i] === c);
        entropy -= (ofCluster && ofCluster * Math.log(ofCluster)) / 2;
        entropy -= (ofPerson && ofPerson * Math.log(ofPerson)) / 2;
        for (let p = 0; p <= 4; p++) {
          const both = share((i) => clusters[i] === c && people[i] === p);
          if (both > 0) information += both * Math.log(both / (ofCluster * share((i) => people[i] === p)));
        }
      }
      near(
        comparePartitions(clusters, people)().nmi,
        entropy < 1e-12 ? 1 : Math.max(0, information / entropy),
      );
    }),
  );
});

test('equal partitions agree fully whatever the numbers of their clusters', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1 }), (people) => {
      const numbers = people.map((person) => 40 - 7 * person);
      const { pairwiseF, bcubed, nmi } = comparePartitions(numbers, people)();
      for (const value of [pairwiseF, bcubed, nmi]) near(value, 1);
    }),
  );
});

test('a person of weight 0 does not count, and one of weight 2 is there twice over, in pairs with others only', () => {
  fc.assert(
    fc.property(twoPartitions, ([clusters, people]) => {
      const check = (weight: number, faces: readonly number[]) => {
        const weighted = comparePartitions(clusters, people)((person) => (person === 3 ? weight : 1));
        const listed = comparePartitions(
          faces.map((i) => clusters[i]!),
          faces.map((i) => people[i]!),
        )();
        near(weighted.bcubed, listed.bcubed);
        near(weighted.nmi, listed.nmi);
        near(weighted.pairwiseF, pairwiseFApart(faces));
      };
      // Faces behind those of everybody are of the second copy. The two would agree with each other, and say nothing
      // new.
      const pairwiseFApart = (faces: readonly number[]) => {
        let [together, belonging, both] = [0, 0, 0];
        faces.forEach((i, at) => {
          faces.slice(0, at).forEach((k, before) => {
            const isOnePerson = people[i] === people[k];
            if (isOnePerson && at < people.length !== before < people.length) return;
            const isOneCluster = clusters[i] === clusters[k];
            together += Number(isOneCluster);
            belonging += Number(isOnePerson);
            both += Number(isOneCluster && isOnePerson);
          });
        });
        return together + belonging === 0 ? 1 : (2 * both) / (together + belonging);
      };
      const faces = people.map((_, i) => i);
      if (people.some((person) => person !== 3))
        check(
          0,
          faces.filter((i) => people[i] !== 3),
        );
      check(2, [...faces, ...faces.filter((i) => people[i] === 3)]);
    }),
  );
});

test('average linkage merges the two clusters whose members are most similar on average', () => {
  const n = 7;
  const values = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), {
    minLength: n * n,
    maxLength: n * n,
  });
  fc.assert(
    fc.property(values, (raw) => {
      const similarities = Float64Array.from(
        raw,
        (_, i) => raw[Math.min(i, (i % n) * n + Math.floor(i / n))]!,
      );
      let clusters = Array.from({ length: n }, (_, i) => [i]);
      for (const { first, second, similarity } of averageLink(similarities, n)) {
        const mean = (a: readonly number[], b: readonly number[]) =>
          a.reduce((sum, i) => sum + b.reduce((part, k) => part + similarities[i * n + k]!, 0), 0) /
          (a.length * b.length);
        const [a, b] = [first, second].map((item) => clusters.find((cluster) => cluster.includes(item))!);
        near(mean(a!, b!), similarity);
        for (const [i, x] of clusters.entries())
          for (const y of clusters.slice(0, i)) assert.ok(mean(x, y) <= similarity + 1e-9);
        clusters = [...clusters.filter((cluster) => cluster !== a && cluster !== b), [...a!, ...b!]];
      }
      assert.equal(clusters.length, 1);
    }),
  );
});

test('a cut below every similarity leaves one cluster, above every one leaves all apart', () => {
  const similarities = Float64Array.of(1, 0.9, 0.1, 0.9, 1, 0.2, 0.1, 0.2, 1);
  const merges = averageLink(similarities, 3);
  assert.equal(new Set(cutTree(merges, 3, -2)).size, 1);
  assert.equal(new Set(cutTree(merges, 3, 2)).size, 3);
  const [a, b, c] = cutTree(merges, 3, 0.5);
  assert.ok(a === b && b !== c);
});

test('average precision is the mean precision at the relevant entries', () => {
  assert.equal(averagePrecision([true, false, true]), (1 + 2 / 3) / 2);
  assert.ok(Number.isNaN(averagePrecision([false])));
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1 }), (relevant) => {
      const precisions = relevant.flatMap((isRelevant, i) =>
        isRelevant ? [relevant.slice(0, i + 1).filter(Boolean).length / (i + 1)] : [],
      );
      const expected = precisions.reduce((sum, value) => sum + value, 0) / precisions.length;
      const found = averagePrecision(relevant);
      assert.ok(Number.isNaN(expected) ? Number.isNaN(found) : Math.abs(found - expected) < 1e-9);
    }),
  );
});
