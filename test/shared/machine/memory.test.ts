import assert from 'node:assert/strict';
import { totalmem } from 'node:os';
import { test } from 'node:test';
import { usableMemory } from '../../../src/shared/machine/memory.ts';

test('there is some memory, and no more than the machine has, with a limit or without one', (t) => {
  assert.ok(usableMemory() > 0 && usableMemory() <= totalmem());
  for (const [limit, usable] of [
    [0, totalmem()],
    [2 ** 64, totalmem()],
    [2 ** 30, 2 ** 30],
  ] as const) {
    const constrained = t.mock.method(process, 'constrainedMemory', () => limit);
    assert.equal(usableMemory(), usable);
    constrained.mock.restore();
  }
});
