import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { severalAtOnce } from '../../../src/shared/async/severalAtOnce.ts';

test('every item is in one group, in order; all groups but the last are full, and none is empty', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(), { maxLength: 30 }),
      fc.integer({ min: 1, max: 8 }),
      async (items, count) => {
        const groups: number[][] = [];
        for await (const group of severalAtOnce(items, count)) groups.push(group);
        assert.deepEqual(groups.flat(), items);
        assert.ok(groups.slice(0, -1).every(({ length }) => length === count));
        assert.ok(groups.every(({ length }) => length > 0 && length <= count));
      },
    ),
  );
});

test('a group is there before the item after it is asked for', async () => {
  const asked: number[] = [];
  function* items() {
    for (let i = 0; i < 4; i++) {
      asked.push(i);
      yield i;
    }
  }
  for await (const group of severalAtOnce(items(), 2)) {
    assert.deepEqual(group, [0, 1]);
    break;
  }
  assert.deepEqual(asked, [0, 1]);
});
