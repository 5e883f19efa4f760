import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { choosePairs, indexPairs, inventPerson, type PairSample } from '../../src/fra/training/pairs.ts';
import { splitSubjects, subjectDigest } from '../../src/fra/training/splitSubjects.ts';
import { ConfigError } from '../../src/shared/errors.ts';
import { dot, normalizeInPlace } from '../../src/shared/l2.ts';
import { randomNormal, seededRandom } from '../../src/shared/random.ts';

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 6, maxLength: 60 });

test('nobody both trains and validates, and everybody does one of them', () => {
  fc.assert(
    fc.property(names, fc.double({ min: 0.01, max: 0.9, noNaN: true }), fc.nat(), (people, share, seed) => {
      // Photographs name people several times, in any order.
      const { training, validation } = splitSubjects([...people, ...people], share, seed);
      assert.deepEqual([...training, ...validation].sort(), [...people].sort());
      assert.ok(validation.length >= 2);
      assert.ok(training.length >= 4);
    }),
  );
});

test('the order of photographs does not change who validates; the seed does', () => {
  const people = Array.from({ length: 40 }, (_, i) => `person ${i}`);
  const split = splitSubjects(people, 0.2, 1);
  assert.deepEqual(splitSubjects([...people].reverse(), 0.2, 1), split);
  assert.notDeepEqual(splitSubjects(people, 0.2, 2).validation, split.validation);
});

test('fewer than six people are refused', () => {
  assert.throws(() => splitSubjects(['a', 'b', 'c', 'd', 'e'], 0.2, 0), ConfigError);
});

test('a subject digest is the sha256 of the name', () => {
  assert.equal(subjectDigest('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

/** People × (photograph + grid of poses) × 2 photographs. */
function samples(people: number, grid: number): PairSample[] {
  const random = seededRandom(3);
  const vector = (size: number) => {
    const values = Float32Array.from({ length: size }, () => randomNormal(random));
    normalizeInPlace(values);
    return values;
  };
  return Array.from({ length: people }, (_, p) => p).flatMap((p) =>
    [0, 1].flatMap((photograph) =>
      Array.from({ length: grid + 1 }, (_, g) => ({
        subjectId: `p${p}`,
        faceId: `p${p}/${photograph}.jpg`,
        gridIndex: g - 1,
        yaw: g === 0 ? 0 : -60 + (120 * (g - 1)) / Math.max(1, grid - 1),
        pitch: 0,
        embedding: vector(16),
        code: vector(8),
      })),
    ),
  );
}

test('a batch holds no person twice, and a row shows one person throughout', () => {
  const source = indexPairs(samples(9, 5));
  for (let step = 0; step < 50; step++) {
    const pairs = choosePairs(source, 6, seededRandom(step));
    assert.equal(pairs.length, 6);
    assert.equal(new Set(pairs.map(({ target }) => target.subjectId)).size, 6);
    for (const pair of pairs) {
      for (const sample of [pair.source, pair.poseNegative, pair.photographNegative]) {
        assert.equal(sample.subjectId, pair.target.subjectId);
      }
      assert.equal(pair.donor.gridIndex, pair.target.gridIndex);
    }
  }
});

test('negatives differ from the positive: another pose, or another photograph', () => {
  const source = indexPairs(samples(9, 5));
  for (let step = 0; step < 50; step++) {
    for (const { target, poseNegative, photographNegative } of choosePairs(source, 6, seededRandom(step))) {
      assert.ok(Math.abs(poseNegative.yaw - target.yaw) >= 12);
      assert.notEqual(photographNegative.faceId, target.faceId);
      assert.equal(photographNegative.gridIndex, target.gridIndex);
    }
  }
});

test('the same seed chooses the same pairs', () => {
  const source = indexPairs(samples(9, 5));
  assert.deepEqual(choosePairs(source, 6, seededRandom(4)), choosePairs(source, 6, seededRandom(4)));
});

test('an invented person has unit embeddings, keeps the posture, and is not the person it began with', () => {
  const source = indexPairs(samples(9, 5));
  const random = seededRandom(8);
  for (const pair of choosePairs(source, 9, random)) {
    const invented = inventPerson(pair, source, random);
    for (const { embedding } of [invented.source, invented.target, invented.poseNegative]) {
      assert.ok(Math.abs(dot(embedding, embedding) - 1) < 1e-5);
    }
    assert.ok(dot(invented.target.embedding, pair.target.embedding) < 0.9999);
    assert.equal(invented.donor, pair.donor);
  }
});
