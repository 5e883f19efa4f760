import assert from 'node:assert/strict';
import { test } from 'node:test';
import { absoluteRow, isMet, median, ratioRow } from '../../bench/performance/report.ts';

const FACTS = { what: 'writing', unit: 'MB/s', limitOf: 'raw write', target: 0.8, atLeast: true };

test('a ratio is the median of the rounds, not the ratio of the medians', () => {
  const row = ratioRow(FACTS, [
    { value: 1, limit: 2 },
    { value: 9, limit: 10 },
    { value: 4, limit: 4 },
  ]);
  assert.equal(row.ratio, 0.9);
  assert.equal(row.value, 4);
  assert.equal(row.limit, 4);
  assert.deepEqual(row.spread, [0.5, 1]);
  assert.equal(row.rounds, 3);
  assert.equal(isMet(row), true);
});

test('a figure that is to be small is met below its target', () => {
  const facts = { what: 'memory', unit: 'MB', atLeast: false, wanted: 300 };
  assert.equal(isMet(absoluteRow(facts, [290])), true);
  assert.equal(isMet(absoluteRow(facts, [310])), false);
});

test('rounds without a figure are refused with the name of the row', () => {
  assert.throws(() => ratioRow(FACTS, []), /what=writing/);
  assert.throws(() => ratioRow(FACTS, [{ value: 0, limit: 0 }]), /what=writing/);
});

test('the median of an even number is the mean of the two in the middle', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
});
