import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openExternalSorter } from '../../src/producer/readers/externalSort.ts';
import { withEnvironment } from '../helpers/services/s3.ts';
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

/** With a TMPDIR of its own. */
const withTemporaries = (run: (folder: string) => Promise<void>): Promise<void> =>
  withTempFolder((folder) => withEnvironment({ TMPDIR: folder }, () => run(folder)));

test('the temporary folder is there only while it is needed', () =>
  withTemporaries(async (folder) => {
    const sorter = openExternalSorter(byNumber, { chunkItems: 2 });
    for (let i = 9; i > 0; i--) await sorter.add([i, '']);
    assert.equal((await readdir(folder)).length, 1);
    for await (const _ of sorter.sorted()) break;
    await sorter.close();
    assert.deepEqual(await readdir(folder), []);
  }));

test('a sort takes away the folder of one that was killed, and not that of one that goes on', () =>
  withTemporaries(async (folder) => {
    const sortSome = async () => {
      const sorter = openExternalSorter(byNumber, { chunkItems: 1 });
      await sorter.add([1, '']);
      return sorter;
    };
    const killed = await sortSome();
    const [left] = await readdir(folder);
    const going = await sortSome();
    const note = join(folder, left!, 'posecast-sort.json');
    const ended = spawn(process.execPath, ['-e', '']);
    await once(ended, 'exit');
    await writeFile(
      note,
      JSON.stringify({ ...JSON.parse(await readFile(note, 'utf8')), ownerPid: ended.pid }),
    );
    const twoMinutesAgo = new Date(Date.now() - 120_000);
    await utimes(note, twoMinutesAgo, twoMinutesAgo);
    const next = await sortSome();
    const there = await readdir(folder);
    assert.equal(there.length, 2);
    assert.ok(!there.includes(left!));
    for (const sorter of [killed, going, next]) await sorter.close();
    assert.deepEqual(await readdir(folder), []);
  }));
