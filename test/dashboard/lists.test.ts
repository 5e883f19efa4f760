import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clampPage, slicesOf } from '../../src/dashboard/data/pages.ts';
import { keepRecent } from '../../src/dashboard/data/recent.ts';
import { SHARDS_A_PAGE, type ShardQuery, shardPage } from '../../src/dashboard/data/shardTable.ts';
import { poseLabel } from '../../src/dashboard/pages/people.ts';
import { shardMap } from '../../src/dashboard/pages/shards.ts';

test('a page found by counts alone holds the items that a walk over all lists would give', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 30 }),
      fc.integer({ min: 0, max: 120 }),
      fc.integer({ min: 1, max: 40 }),
      (counts, start, size) => {
        const all = counts.flatMap((items, shard) =>
          Array.from({ length: items }, (_, i) => `${shard}/${i}`),
        );
        const slices = slicesOf(counts.keys(), (shard) => counts[shard]!, start, size);
        const found = slices.flatMap(({ shard, from, count }) =>
          Array.from({ length: count }, (_, i) => `${shard}/${from + i}`),
        );
        assert.deepEqual(found, all.slice(start, start + size));
      },
    ),
  );
});

test('what stands in a cell of a pose fits into it, however many photographs there are', () => {
  assert.equal(poseLabel(0, 0), '');
  assert.equal(poseLabel(2, 0), '2');
  assert.equal(poseLabel(2, 3), '2 +3');
  assert.equal(poseLabel(12, 3), '12 +3');
  assert.equal(poseLabel(2_000, 3), '2000\n+3');
  assert.equal(poseLabel(9_999, 1_000), '9999\n+1000');
  assert.equal(poseLabel(12_345, 0), '12k');
});

test('a page beyond the end is the last one', () => {
  assert.equal(clampPage(99, 101, 25), 4);
  assert.equal(clampPage(3, 0, 25), 0);
  assert.equal(clampPage(-1, 100, 25), 0);
});

const source = (places: number, done: ReadonlyMap<number, number>) => ({
  log: {
    has: (shard: number) => done.has(shard),
    number: (shard: number) => done.get(shard),
    shardsDone: done.size,
  },
  shards: { places, shardAt: (place: number) => place },
  inWork: new Set([places - 1]),
  failed: new Set([places - 2]),
});
const asked = (changed: Partial<ShardQuery>): ShardQuery => ({
  sort: 'shard',
  descending: false,
  state: undefined,
  page: 0,
  ...changed,
});

test('shards without a number come last, in both directions', () => {
  const table = source(
    6,
    new Map([
      [0, 30],
      [1, 10],
      [2, 20],
    ]),
  );
  const order = (descending: boolean) =>
    shardPage(table, asked({ sort: 'totalMs', descending })).shards.map(({ shard }) => shard);
  assert.deepEqual(order(false).slice(0, 3), [1, 2, 0]);
  assert.deepEqual(order(true).slice(0, 3), [0, 2, 1]);
});

test('the table of 100,000 shards shows one page of them, and counts all by state', () => {
  const done = new Map(Array.from({ length: 60_000 }, (_, shard) => [shard, shard % 977]));
  const began = process.cpuUsage();
  const page = shardPage(source(100_000, done), asked({ sort: 'faces', descending: true, page: 7 }));
  // Of the processor: the machine may be busy with other tests.
  assert.ok(process.cpuUsage(began).user < 2_000_000);
  assert.equal(page.shards.length, SHARDS_A_PAGE);
  assert.deepEqual(page.counts, { committed: 60_000, 'in work': 1, failed: 1, waiting: 39_998 });
  const only = shardPage(source(100_000, done), asked({ state: 'failed' }));
  assert.deepEqual(only.shards, [{ shard: 99_998, state: 'failed' }]);
});

test('two that ask for the same at once share one answer, and the oldest is forgotten', async () => {
  let made = 0;
  const recent = keepRecent<number>(2);
  const ask = (key: string) => recent.get(key, async () => ++made);
  assert.deepEqual(await Promise.all([ask('a'), ask('a')]), [1, 1]);
  await ask('b');
  await ask('a');
  await ask('c');
  assert.equal(await ask('a'), 1);
  assert.equal(await ask('b'), 4, 'b had to be made again');
});

test('a shard that is tried again is in work, on the map as in the table', () => {
  const tried = { ...source(4, new Map([[0, 1]])), inWork: new Set([2]), failed: new Set([1, 2]) };
  assert.deepEqual(shardPage(tried, asked({})).counts, { committed: 1, 'in work': 1, failed: 1, waiting: 1 });
  const titles = [...shardMap(tried).markup.matchAll(/<title>([^<]*)/g)].map(([, title]) => title);
  assert.deepEqual(titles, [
    'shard 0: 1 committed',
    'shard 1: 1 failed',
    'shard 2: 1 in work',
    'shard 3: 1 waiting',
  ]);
});

test('an answer that failed is asked for again', async () => {
  const recent = keepRecent<number>(2);
  await assert.rejects(recent.get('a', () => Promise.reject(new Error('away'))));
  assert.equal(await recent.get('a', async () => 7), 7);
});

test('an answer that does not last is not kept', async () => {
  const recent = keepRecent<number>(
    2,
    () => 1,
    (value) => value > 0,
  );
  assert.equal(await recent.get('a', async () => 0), 0);
  assert.equal(await recent.get('a', async () => 7), 7);
  assert.equal(await recent.get('a', async () => 8), 7);
});
