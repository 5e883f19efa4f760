import assert from 'node:assert/strict';
import { test } from 'node:test';
import { correlation } from '../../src/fra/training/statistics.ts';

test('correlation is 1 for a rising line, −1 for a falling one, 0 where nothing varies', () => {
  assert.ok(Math.abs(correlation([1, 2, 3], [10, 20, 30]) - 1) < 1e-12);
  assert.ok(Math.abs(correlation([1, 2, 3], [3, 2, 1]) + 1) < 1e-12);
  assert.equal(correlation([1, 1, 1], [1, 2, 3]), 0);
});
