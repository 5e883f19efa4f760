import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { mapInOrder } from '../../../src/shared/async/mapInOrder.ts';

test('results come in the order of the items, and never more than the limit run at once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(3), { maxLength: 20 }),
      fc.integer({ min: 1, max: 5 }),
      async (delays, limit) => {
        let running = 0;
        const results: number[] = [];
        const indices = delays.map((_, i) => i);
        const work = async (i: number) => {
          running++;
          assert.ok(running <= limit);
          await sleep(delays[i]);
          running--;
          return i;
        };
        for await (const result of mapInOrder(indices, limit, work)) results.push(result);
        assert.deepEqual(results, indices);
      },
    ),
    { numRuns: 30 },
  );
});

test('the error of an item comes in its turn, after the results before it', async () => {
  const results: number[] = [];
  const work = async (i: number) => {
    if (i === 2) throw new Error('two');
    await sleep(5);
    return i;
  };
  await assert.rejects(async () => {
    for await (const result of mapInOrder([0, 1, 2, 3], 4, work)) results.push(result);
  }, /two/);
  assert.deepEqual(results, [0, 1]);
});
