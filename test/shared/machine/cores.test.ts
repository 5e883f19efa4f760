import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { coresOfQuota, usableCores } from '../../../src/shared/machine/cores.ts';

test('a quota of a container is so many cores, a part of one counted as one', () => {
  assert.equal(coresOfQuota('400000 100000\n'), 4);
  assert.equal(coresOfQuota('150000 100000\n'), 2);
  assert.equal(coresOfQuota('50000\n 100000\n'), 1);
});

test('no quota is no limit', () => {
  for (const text of ['max 100000\n', '-1\n 100000\n', '', ' ', '0 100000']) {
    assert.equal(coresOfQuota(text), Number.POSITIVE_INFINITY, text);
  }
});

test('there is at least one core, and no more than the machine has', () => {
  assert.ok(usableCores() >= 1 && usableCores() <= availableParallelism());
});
