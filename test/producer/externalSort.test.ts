import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { openExternalSorter } from '../../src/producer/readers/externalSort.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { collect } from './corpusFiles.ts';

const byNumber = (a: readonly [number, string], b: readonly [number, string]) => a[0] - b[0];

async function sorted(items: readonly (readonly [number, string])[], chunkItems: number, fanIn: number) {
  const sorter = openExternalSorter(byNumber, { chunkItems, fanIn });
  try {
    for (const item of items) await sorter.add(item);
    return await collect(sorter.sorted());
  } finally {
    await sorter.close();
  }
}

test('items come back in order whatever fits into a chunk and however many files are merged at a time', async () => {
  const item = fc.tuple(fc.integer(), fc.string({ unit: 'grapheme' }));
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(item, { maxLength: 80, selector: ([key]) => key }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 2, max: 5 }),
      async (items, chunkItems, fanIn) => {
        assert.deepEqual(await sorted(items, chunkItems, fanIn), [...items].sort(byNumber));
      },
    ),
    { numRuns: 40 },
  );
});

test('an item longer than any read buffer survives', async () => {
  const long = 'é😀'.repeat(100_000);
  assert.deepEqual(
    await sorted(
      [
        [2, long],
        [1, 'x'],
        [3, long],
      ],
      1,
      2,
    ),
    [
      [1, 'x'],
      [2, long],
      [3, long],
    ],
  );
});

test('the temporary folder is there only while it is needed', () =>
  withTempFolder(async (folder) => {
    process.env.TMPDIR = folder;
    const sorter = openExternalSorter(byNumber, { chunkItems: 2 });
    for (let i = 9; i > 0; i--) await sorter.add([i, '']);
    assert.equal((await readdir(folder)).length, 1);
    for await (const _ of sorter.sorted()) break;
    await sorter.close();
    assert.deepEqual(await readdir(folder), []);
  }));
