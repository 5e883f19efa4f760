import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { variantRequests } from '../../../src/evaluate/gallery.ts';
import { assignPhotographs } from '../../../src/evaluate/people.ts';
import { chooseByPeople, standOut } from '../../../src/evaluate/rivals/chooseByPeople.ts';
import { dreamGate, dreamMlp } from '../../../src/evaluate/rivals/dreamMlp.ts';
import { meanChange, meanOffset } from '../../../src/evaluate/rivals/meanOffset.ts';
import { alternate, blend } from '../../../src/evaluate/rivals/mixtures.ts';
import { isTested, ORACLE } from '../../../src/evaluate/rivals/oracles.ts';
import { bandAt, learnBands } from '../../../src/evaluate/rivals/poseBands.ts';
import {
  LEAKED_PAIRS,
  type PosePair,
  REAL_PAIRS,
  sourcesOf,
  syntheticPairs,
} from '../../../src/evaluate/rivals/posePairs.ts';
import { applyChange, fitChange, ridgeMap } from '../../../src/evaluate/rivals/ridgeMap.ts';
import { tiedCovariance } from '../../../src/evaluate/rivals/tiedCovariance.ts';
import { DUPLICATE, JITTER, MIXUP, NONE } from '../../../src/evaluate/rivals/unlearned.ts';
import { wccn } from '../../../src/evaluate/rivals/wccn.ts';
import { planTrials, targetPoses } from '../../../src/evaluate/trials.ts';
import { openBackend } from '../../../src/fra/backend.ts';
import { dot } from '../../../src/shared/l2.ts';
import { randomNormal, seededRandom } from '../../../src/shared/random.ts';
import { makePeople } from '../syntheticPeople.ts';

before(() => openBackend('cpu', 1));

const DIM = 24;

/** Pairs of people whose turn is `change` of their source, at one yaw. */
function makePairs(people: number, change: (source: Float32Array) => Float32Array, yaw = 45): PosePair[] {
  const random = seededRandom(4, 'pairs');
  return Array.from({ length: people * 4 }, (_, i) => {
    const source = Float32Array.from({ length: DIM }, () => randomNormal(random));
    return { subjectId: `p${i % people}`, source, target: change(source), yaw };
  });
}

function makeTrial() {
  const { classes } = assignPhotographs(makePeople({ evaluated: 12, distractors: 6, seed: 3 }), 3, {
    rule: 'most-turned',
    count: 4,
  });
  const trial = planTrials(classes, { folds: 3, seeds: 1, seed: 0 })[0]!;
  return { trial, requests: variantRequests(classes, targetPoses(trial, 6)) };
}

test('ridge finds a linear turn exactly when there are enough pairs and no noise', () => {
  const turn = (source: Float32Array) => source.map((value, i) => value + 0.3 * source[(i + 5) % DIM]! + 0.1);
  const change = fitChange(makePairs(30, turn), 1e-7);
  const [{ source }] = makePairs(1, turn) as [PosePair];
  applyChange(change, [source])[0]!.forEach((value, i) => {
    assert.ok(Math.abs(value - turn(source)[i]!) < 1e-3);
  });
});

test('ridge gives the same map by its two equal forms, fewer pairs than values and more', () => {
  const turn = (source: Float32Array) => source.map((value, i) => value - 0.5 * source[(i + 1) % DIM]!);
  const few = makePairs(4, turn);
  // Every pair twice: the same problem, with 32 rows in place of 16.
  const [a, b] = [fitChange(few, 0.5), fitChange([...few, ...few], 0.5)];
  a.map.forEach((value, i) => {
    assert.ok(Math.abs(value - b.map[i]!) < 1e-4);
  });
});

test('a strong penalty leaves the mean change alone', () => {
  const turn = (source: Float32Array) => source.map((value, i) => value + (i === 2 ? 0.7 : 0));
  const pairs = makePairs(20, turn);
  const [{ source }] = pairs as [PosePair, ...PosePair[]];
  const offset = meanChange(pairs);
  applyChange(fitChange(pairs, 1e9), [source])[0]!.forEach((value, i) => {
    assert.ok(Math.abs(value - source[i]! - offset[i]!) < 1e-4);
  });
  assert.ok(Math.abs(offset[2]! - 0.7) < 1e-5);
});

test('a band learns from pairs near its yaw only, and the nearest band answers', () => {
  const near = makePairs(3, (source) => source, 45);
  const far = makePairs(3, (source) => source.map((value) => value + 1), -60);
  const bands = learnBands([...near, ...far], (pairs) => meanChange(pairs)[0]!);
  assert.ok(Math.abs(bandAt(bands, 80)!.value()) < 1e-6);
  assert.ok(Math.abs(bandAt(bands, -20)!.value() - 1) < 1e-5);
  assert.equal(bandAt([], 10), undefined);
});

test('a setting is chosen by people who were not learned from', () => {
  const pairs = makePairs(9, (source) => source);
  const seen: Set<string>[] = [];
  const chosen = chooseByPeople(pairs, [0, 1], (part, candidate) => {
    seen.push(new Set(part.map(({ subjectId }) => subjectId)));
    // Candidate 1 predicts the target, candidate 0 nothing in particular.
    return {
      predict: (judged) =>
        candidate === 1 ? sourcesOf(judged) : judged.map(() => new Float32Array(DIM).fill(1)),
    };
  });
  assert.equal(chosen, 1);
  for (const people of seen) assert.equal(people.size, 6);
  assert.ok(standOut({ predict: sourcesOf }, pairs) > 3);
});

test('real pairs hold training people only; the leaked ones hold test people too', () => {
  const { trial } = makeTrial();
  const people = (pairs: readonly PosePair[]) => new Set(pairs.map(({ subjectId }) => subjectId));
  const tested = trial.test.map(({ subjectId }) => subjectId);
  const real = people(REAL_PAIRS.pairs(trial));
  assert.equal(real.size, trial.training.length);
  assert.ok(tested.every((subjectId) => !real.has(subjectId)));
  assert.ok(tested.every((subjectId) => people(LEAKED_PAIRS.pairs(trial)).has(subjectId)));
});

test('every method answers every request with finite values of the right width, the same each time', async () => {
  const { trial, requests } = makeTrial();
  const synthetic = syntheticPairs(REAL_PAIRS.pairs(trial));
  const methods = [DUPLICATE, JITTER, MIXUP, ORACLE].concat(
    [REAL_PAIRS, synthetic].flatMap((source) => [
      meanOffset(source),
      tiedCovariance(source),
      ridgeMap(source),
      dreamMlp(source),
    ]),
  );
  for (const method of methods) {
    const once = await (await method.prepare(trial, 0)).generate(requests);
    const again = await (await method.prepare(trial, 0)).generate(requests);
    assert.equal(once.length, requests.length);
    once.forEach((embedding, i) => {
      assert.equal(embedding?.length, 32, method.id);
      assert.ok(embedding.every(Number.isFinite), method.id);
      assert.deepEqual(embedding, again[i], method.id);
    });
  }
  for (const answer of await (await NONE.prepare(trial)).generate(requests)) {
    assert.equal(answer, undefined);
  }
});

test('a blend lies between its two methods, and methods by turns answer every other variant', async () => {
  const { trial, requests } = makeTrial();
  const [one, other] = [DUPLICATE, JITTER];
  const [a, b] = await Promise.all(
    [one, other].map(async (method) => (await method.prepare(trial)).generate(requests)),
  );
  const mixed = await (await blend(one, other).prepare(trial)).generate(requests);
  const turns = await (await alternate(one, other).prepare(trial)).generate(requests);
  requests.forEach(({ variant }, i) => {
    assert.deepEqual(turns[i], (variant % 2 === 0 ? a : b)![i]);
    const middle = mixed[i]!;
    const cosine = (x: Float32Array) => dot(x, middle) / Math.sqrt(dot(x, x) * dot(middle, middle));
    assert.ok(Math.abs(cosine(a![i]!) - cosine(b![i]!)) < 1e-5);
  });
  const alone = await (await blend(one, NONE).prepare(trial)).generate(requests);
  assert.deepEqual(alone, a);
});

test('jitter is as long as real turns are', async () => {
  const { trial, requests } = makeTrial();
  const pairs = REAL_PAIRS.pairs(trial);
  const wanted =
    pairs.reduce((sum, { source, target }) => sum + Math.sqrt(2 - 2 * dot(source, target)), 0) / pairs.length;
  const answers = await (await JITTER.prepare(trial)).generate(requests);
  const lengths = answers.map((answer, i) => {
    const { person, source } = requests[i]!;
    return Math.hypot(...answer!.map((value, k) => value - person.enrol[source]!.embedding[k]!));
  });
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  assert.ok(Math.abs(mean / wanted - 1) < 0.05);
});

test('the same photograph twice is a turn of length 0: rounding leaves no root of a negative number', async () => {
  const people = makePeople({ evaluated: 12, distractors: 6, seed: 3 }).map((person) => {
    const twin = { ...person.photographs[0]!, faceId: `${person.subjectId}/twin`, yaw: 80 };
    return { ...person, photographs: [...person.photographs, twin] };
  });
  const { classes } = assignPhotographs(people, 3, { rule: 'most-turned', count: 4 });
  const trial = planTrials(classes, { folds: 3, seeds: 1, seed: 0 })[0]!;
  const pairs = REAL_PAIRS.pairs(trial);
  assert.ok(pairs.some(({ source, target }) => dot(source, target) > 1));
  const answers = await (await JITTER.prepare(trial)).generate(
    variantRequests(classes, targetPoses(trial, 2)),
  );
  assert.ok(answers.every((embedding) => embedding?.every(Number.isFinite)));
});

test('an oracle never enrols the probe that it is tested with', async () => {
  const { trial, requests } = makeTrial();
  for (const half of [0, 1] as const) {
    const answers = await (await ORACLE.prepare(trial, half)).generate(requests);
    requests.forEach(({ person }, i) => {
      const tested = person.probes.filter((_, position) => isTested(position, half));
      assert.ok(tested.every(({ embedding }) => embedding !== answers[i]));
    });
  }
});

test('WCCN makes the spread of a person’s own embeddings smaller against that between people', async () => {
  const { trial } = makeTrial();
  const { transform } = await wccn(REAL_PAIRS).prepare(trial);
  const ratio = (embed: (embedding: Float32Array) => Float32Array) => {
    const [own, other] = [[] as number[], [] as number[]];
    trial.test.forEach((person, i) => {
      for (const probe of person.probes) {
        own.push(dot(embed(probe.embedding), embed(person.enrol[0]!.embedding)));
        const stranger = trial.test[(i + 1) % trial.test.length]!;
        other.push(dot(embed(probe.embedding), embed(stranger.enrol[0]!.embedding)));
      }
    });
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    return mean(own) - mean(other);
  };
  assert.ok(ratio(transform!) > ratio((embedding) => embedding));
});

test('the gate of the MLP is the published one: half open at 45°, the same on both sides', () => {
  assert.ok(Math.abs(dreamGate(45) - 0.5) < 1e-9);
  assert.equal(dreamGate(-70), dreamGate(70));
  assert.ok(dreamGate(80) > dreamGate(20));
});
