import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  difference,
  drawPeople,
  interval,
  quantile,
  resample,
  standardError,
} from '../../src/evaluate/bootstrap.ts';
import { resampleMetrics } from '../../src/evaluate/measureMethod.ts';
import { emptyOutcomes, meanOfHits } from '../../src/evaluate/outcomes.ts';

const scores = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 20 });
const meanBy = (values: readonly number[]) =>
  meanOfHits(values.map((value, person) => ({ person, yaw: 0, value })));

test('every draw has as many people as there are, and the same seed draws the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.nat(), (people, seed) => {
      const draws = drawPeople(people, 20, seed);
      for (const draw of draws)
        assert.equal(
          draw.reduce((sum, weight) => sum + weight, 0),
          people,
        );
      assert.deepEqual(draws, drawPeople(people, 20, seed));
    }),
  );
});

test('the interval holds the value, and people who all score the same have an interval of no width', () => {
  fc.assert(
    fc.property(scores, (values) => {
      const draws = drawPeople(values.length, 400, 1);
      const { value, low, high } = interval(resample(meanBy(values), draws))!;
      assert.ok(low <= value + 1e-9 && value <= high + 1e-9);
      const same = interval(resample(meanBy(values.map(() => 0.4)), draws))!;
      assert.ok(Math.abs(same.high - same.low) < 1e-9);
    }),
  );
});

test('the standard error of a mean is the spread of people over the root of their number', () => {
  const values = Array.from({ length: 40 }, (_, i) => (i % 5) / 5);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  const found = standardError(resample(meanBy(values), drawPeople(values.length, 4000, 7)));
  assert.ok(Math.abs(found / (spread / Math.sqrt(values.length)) - 1) < 0.05);
});

test('a difference is paired: a row that is better by the same amount for everybody is certainly better', () => {
  fc.assert(
    fc.property(scores, (values) => {
      const draws = drawPeople(values.length, 200, 3);
      const gain = difference(
        resample(meanBy(values.map((value) => value + 0.1)), draws),
        resample(meanBy(values), draws),
      );
      const { low, high } = interval(gain)!;
      assert.ok(Math.abs(low - 0.1) < 1e-9 && Math.abs(high - 0.1) < 1e-9);
    }),
  );
});

test('the interval of a measure of clusters holds its value, however the faces were put together', () => {
  const [people, faces] = [12, 10];
  const labels = Int32Array.from({ length: people * faces }, (_, i) => Math.floor(i / faces));
  const partitions = {
    singletons: labels.map((_, i) => i),
    'pairs of a person': labels.map((_, i) => i >> 1),
    'two people each': labels.map((person) => person >> 1),
    'one cluster': labels.map(() => 0),
    'a share of faces astray': labels.map((person, i) => (i % 7 === 0 ? (person + i) % people : person)),
    'people themselves': labels,
  };
  const draws = drawPeople(people, 400, 1);
  for (const [name, clusters] of Object.entries(partitions)) {
    const metrics = resampleMetrics(
      { ...emptyOutcomes(1), clusterings: [{ clusters, people: labels }] },
      draws,
    );
    for (const metric of ['pairwiseF', 'bcubed', 'nmi'] as const) {
      const { value, low, high } = interval(metrics.get(metric)!)!;
      const found = `${metric} of ${name}: ${value}, ${low} to ${high}`;
      assert.ok(low <= value + 1e-9 && value <= high + 1e-9 && low >= 0 && high <= 1, found);
    }
  }
});

test('a draw without any of the people who count has no value and is left out', () => {
  const hits = meanOfHits([{ person: 0, yaw: 0, value: 1 }]);
  const { value, low, high } = interval(resample(hits, drawPeople(4, 200, 5)))!;
  assert.deepEqual([value, low, high], [1, 1, 1]);
});

test('quantiles run from the least to the greatest value', () => {
  fc.assert(
    fc.property(scores, (values) => {
      const sorted = [...values].sort((a, b) => a - b);
      assert.equal(quantile(sorted, 0), sorted[0]);
      assert.equal(quantile(sorted, 1), sorted.at(-1));
      assert.ok(quantile(sorted, 0.3) <= quantile(sorted, 0.6));
    }),
  );
});
