import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeVariants } from '../../src/fra/training/judgeVariants.ts';

test('a judgement counts who is nearest, among all people and among validation people', () => {
  const axis = (i: number) => Float32Array.from({ length: 4 }, (_, k) => (k === i ? 1 : 0));
  const centroids = new Map(['a', 'b', 'c', 'd'].map((name, i) => [name, axis(i)]));
  // The variant of b lies nearer to d, who does not validate.
  const lost = Float32Array.of(0, 0.6, 0, 0.8);
  const common = { shuffled: axis(3), meanOffset: axis(1), source: axis(0), target: axis(0) };
  const { metrics, minSimilarity } = judgeVariants(
    [
      { subjectId: 'a', variant: axis(0).map((value) => 2 * value), ...common },
      { subjectId: 'b', variant: lost, ...common },
    ],
    centroids,
    new Set(['a', 'b', 'c']),
    [1, 1],
    [axis(0), axis(1)],
  );
  assert.equal(metrics.rank1, 0.5);
  assert.equal(metrics.rank1Validation, 1);
  assert.ok(Math.abs(metrics.meanNorm - 1.5) < 1e-6);
  assert.ok(Math.abs(metrics.similarityToTarget - 0.5) < 1e-6);
  assert.equal(minSimilarity, 0.8);
  assert.equal(metrics.keptShare, 0.5);
});

test('where variants lie is judged by their directions, which is what a table holds', () => {
  const axis = (i: number) => Float32Array.from({ length: 4 }, (_, k) => (k === i ? 1 : 0));
  const judged = (factor: number) => {
    const variants = [0, 1].map((i) => ({
      subjectId: 'ab'[i]!,
      variant: axis(i).map((value) => factor * value),
      ...{ shuffled: axis(3), meanOffset: axis(i), source: axis(i), target: axis(i) },
    }));
    const centroids = new Map(['a', 'b', 'c'].map((person, i) => [person, axis(i)]));
    const real = [axis(0), axis(1)];
    return judgeVariants(variants, centroids, new Set(['a', 'b']), [1, 1], real).metrics;
  };
  for (const factor of [1, 0.5]) {
    const { meanShift, varianceRatio, meanNorm } = judged(factor);
    assert.deepEqual([meanShift, varianceRatio, meanNorm], [0, 1, factor]);
  }
});
