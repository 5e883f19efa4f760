import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  fitSimilarity,
  invert,
  type Similarity,
  TEMPLATE,
  transformPoints,
} from '../../../src/worker/stages/alignTransform.ts';

const similarity: fc.Arbitrary<Similarity> = fc
  .record({
    scale: fc.double({ min: 0.05, max: 20, noNaN: true }),
    angle: fc.double({ min: -Math.PI, max: Math.PI, noNaN: true }),
    tx: fc.double({ min: -2000, max: 2000, noNaN: true }),
    ty: fc.double({ min: -2000, max: 2000, noNaN: true }),
  })
  .map(({ scale, angle, tx, ty }) => ({ a: scale * Math.cos(angle), b: scale * Math.sin(angle), tx, ty }));

const largestDifference = (a: Float32Array, b: Float32Array) =>
  a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);

test('the similarity that moved five points is recovered from where they went', () => {
  fc.assert(
    fc.property(similarity, (known) => {
      const moved = transformPoints(known, TEMPLATE);
      const back = fitSimilarity(moved, TEMPLATE);
      assert.ok(back);
      assert.ok(largestDifference(transformPoints(back, moved), TEMPLATE) < 0.05);
    }),
  );
});

test('a similarity and its inverse cancel out', () => {
  fc.assert(
    fc.property(similarity, (known) => {
      const moved = transformPoints(invert(known), transformPoints(known, TEMPLATE));
      assert.ok(largestDifference(moved, TEMPLATE) < 0.05);
    }),
  );
});

test('no similarity fits the template worse than the least-squares one', () => {
  const error = (fit: Similarity, points: Float32Array) =>
    transformPoints(fit, points).reduce((sum, value, i) => sum + (value - TEMPLATE[i]!) ** 2, 0);
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 300, noNaN: true }), { minLength: 10, maxLength: 10 }),
      fc.double({ min: -0.01, max: 0.01, noNaN: true }),
      fc.double({ min: -0.5, max: 0.5, noNaN: true }),
      (values, turn, shift) => {
        const points = Float32Array.from(values);
        const fit = fitSimilarity(points, TEMPLATE);
        fc.pre(fit !== undefined);
        const other = { ...fit, a: fit.a + turn, b: fit.b - turn, tx: fit.tx + shift };
        assert.ok(error(fit, points) <= error(other, points) + 1e-3);
      },
    ),
  );
});

test('points that coincide have no similarity', () => {
  assert.equal(fitSimilarity(new Float32Array(10).fill(7), TEMPLATE), undefined);
  assert.equal(fitSimilarity(new Float32Array(10).fill(Number.NaN), TEMPLATE), undefined);
});
