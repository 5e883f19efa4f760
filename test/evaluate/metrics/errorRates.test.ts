import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Comparison,
  errorRates,
  type ScoreSet,
  scoreSet,
} from '../../../src/evaluate/metrics/errorRates.ts';

const equalErrorRate = (set: ScoreSet, weights?: Float64Array) => errorRates(set, [], weights).equal;
const tarAtFar = (set: ScoreSet, far: number) => errorRates(set, [far]).tar[0]!;

/** Coarse scores, so that ties happen. */
const comparisons = fc.array(
  fc.record({
    score: fc.integer({ min: -5, max: 5 }).map((score) => score / 5),
    genuine: fc.boolean(),
    person: fc.integer({ min: 0, max: 3 }),
  }),
  { maxLength: 40 },
);

/** Every distinct threshold, and one that accepts nothing, by counting each time anew. */
function operatingPoints(list: readonly Comparison[], weights: Float64Array) {
  const weigh = (part: readonly Comparison[]) => part.reduce((sum, { person }) => sum + weights[person]!, 0);
  const genuine = list.filter((pair) => pair.genuine);
  const impostor = list.filter((pair) => !pair.genuine);
  const thresholds = [Number.POSITIVE_INFINITY, ...new Set(list.map(({ score }) => score))];
  return thresholds.map((threshold) => ({
    tar: weigh(genuine.filter(({ score }) => score >= threshold)) / weigh(genuine),
    far: weigh(impostor.filter(({ score }) => score >= threshold)) / weigh(impostor),
  }));
}

const usable = (list: readonly Comparison[], weights: Float64Array) =>
  [true, false].every((genuine) =>
    list.some((pair) => pair.genuine === genuine && weights[pair.person]! > 0),
  );

test('the equal error rate is the mean of both rates where they are closest', () => {
  const weights = fc.float64Array({ minLength: 4, maxLength: 4, min: 0, max: 3, noNaN: true });
  fc.assert(
    fc.property(
      comparisons,
      weights.map((list) => list.map(Math.round)),
      (list, each) => {
        const rate = equalErrorRate(scoreSet(list), each);
        if (!usable(list, each)) return assert.ok(Number.isNaN(rate));
        const points = operatingPoints(list, each).map(({ tar, far }) => ({
          distance: Math.abs(1 - tar - far),
          rate: (1 - tar + far) / 2,
        }));
        const closest = Math.min(...points.map(({ distance }) => distance));
        assert.ok(
          points.some((point) => point.distance <= closest + 1e-9 && Math.abs(point.rate - rate) < 1e-9),
        );
      },
    ),
  );
});

test('the true accept rate at a false accept rate is the best that any threshold within it reaches', () => {
  fc.assert(
    fc.property(comparisons, fc.constantFrom(0, 0.01, 0.1, 0.5, 1), (list, far) => {
      const each = new Float64Array(4).fill(1);
      const rate = tarAtFar(scoreSet(list), far);
      if (!usable(list, each)) return assert.ok(Number.isNaN(rate));
      const reached = operatingPoints(list, each).filter((point) => point.far <= far + 1e-12);
      assert.ok(Math.abs(rate - Math.max(...reached.map(({ tar }) => tar))) < 1e-9);
    }),
  );
});

test('scores that separate people have an equal error rate of 0, scores the wrong way round of 1', () => {
  const list = (sign: number) =>
    scoreSet([1, 2, 3, 4].map((n) => ({ score: sign * n, genuine: n > 2, person: 0 })));
  assert.equal(equalErrorRate(list(1)), 0);
  assert.equal(tarAtFar(list(1), 0), 1);
  assert.equal(equalErrorRate(list(-1)), 1);
  assert.equal(tarAtFar(list(-1), 0), 0);
});

test('counting a person twice is the same as listing their comparisons twice', () => {
  fc.assert(
    fc.property(comparisons, (list) => {
      const twice = scoreSet([...list, ...list.filter(({ person }) => person === 1)]);
      const weights = Float64Array.of(1, 2, 1, 1);
      const [a, b] = [equalErrorRate(scoreSet(list), weights), equalErrorRate(twice)];
      assert.ok(Number.isNaN(a) ? Number.isNaN(b) : Math.abs(a - b) < 1e-9);
    }),
  );
});
