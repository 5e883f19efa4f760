import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coresOfList } from '../../bench/performance/shared/allowedCores.ts';

test('the cores that a process may run on are those of its list, which need not begin with 0', () => {
  assert.deepEqual(coresOfList(' 2,3\n'), [2, 3]);
  assert.deepEqual(coresOfList('0-2,8,10-11\n'), [0, 1, 2, 8, 10, 11]);
  assert.deepEqual(coresOfList('5'), [5]);
});
