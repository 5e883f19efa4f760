import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCommitLog } from '../../src/dashboard/data/commitLog.ts';
import { addRetryGeneration, readRunShards } from '../../src/shared/run/generations.ts';
import { findNewCommits, PIECE_SHARDS } from '../../src/shared/run/newCommits.ts';
import { commitKey } from '../../src/shared/run/runKeys.ts';
import { runShards } from '../../src/shared/run/runShards.ts';
import { createRunTally } from '../../src/shared/run/runTally.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { makeSampleRun, planSampleRun, runSampleShard, sampleSpecs } from '../helpers/sampleRun.ts';
import { STORES, withFolderStore } from '../helpers/stores.ts';

/** A store that notes which prefixes are listed and which objects are read. */
function watched(store: ObjectStore): ObjectStore & { readonly lists: string[]; readonly gets: string[] } {
  const lists: string[] = [];
  const gets: string[] = [];
  return {
    ...store,
    lists,
    gets,
    list(prefix, signal) {
      lists.push(prefix);
      return store.list(prefix, signal);
    },
    get(key, range, signal) {
      gets.push(key);
      return store.get(key, range, signal);
    },
  };
}

for (const name of ['folder', 's3 with conditional puts']) {
  const withStore = STORES[name]!;
  test(`${name}: the log adds up to what status says`, () =>
    withStore(async (store) => {
      const run = await makeSampleRun(store);
      const shards = await readRunShards(store, run);
      const [log, tally] = [openCommitLog(store, run.runId), createRunTally(shards, store)];
      await log.refresh(shards);
      await tally.refresh();
      assert.deepEqual(log.counters, tally.counters);
      assert.deepEqual(log.rejectsByCode, tally.rejectsByCode);
      assert.equal(log.shardsDone, run.shards);
      assert.deepEqual([...log.inOrder()], [...Array(run.shards).keys()]);
      assert.equal(log.row(0)?.stagesMs.detect, 1.5);
      assert.equal(
        log.workers.reduce((sum, worker) => sum + worker.shards, 0),
        run.shards,
      );
    }));
}

test('a commit is read once, however often one looks', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store, { subjects: 6 });
    const specs = await sampleSpecs(store, run);
    const counted = watched(store);
    const log = openCommitLog(counted, run.runId);
    const shards = runShards(run, []);
    for (const spec of specs) {
      await runSampleShard(store, run, spec, `a${spec.index}`);
      await log.refresh(shards);
      await log.refresh(shards);
    }
    assert.equal(log.shardsDone, specs.length);
    assert.deepEqual(
      counted.gets,
      specs.map(({ index }) => commitKey(index)),
    );
  }));

test('a commit of another run is not counted', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    const log = openCommitLog(store, 'another-run');
    await assert.rejects(log.refresh(runShards(run, [])), /commit is of another run/);
    assert.equal(log.shardsDone, 0);
  }));

test('a shard that is done again takes the place of the old one, and nothing is read twice', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    const counted = watched(store);
    const log = openCommitLog(counted, run.runId);
    const before = runShards(run, []);
    await log.refresh(before);
    await addRetryGeneration(store, run, before, {
      codes: null,
      replaces: [1],
      createdAt: '2026-01-02T00:00:00.000Z',
    });
    const after = await readRunShards(store, run);
    await log.refresh(after);
    assert.equal(log.shardsDone, run.shards - 1);
    assert.ok(!log.inOrder().includes(1), 'the old shard does not count any more');
    const [, spec] = await sampleSpecs(store, run);
    await runSampleShard(store, run, { ...spec!, index: run.shards }, 'again');
    await log.refresh(after);
    assert.equal(log.shardsDone, run.shards);
    assert.equal(log.counters.faces, run.corpus.faces);
    assert.deepEqual([...log.inOrder()].slice(0, 3), [0, run.shards, 2]);
    assert.equal(new Set(counted.gets).size, counted.gets.length);
  }));

/** A store that holds the commits of these shards, names only. */
function namesOnly(committed: ReadonlySet<number>, lists: string[]): ObjectStore {
  const keys = [...committed].sort((a, b) => a - b).map(commitKey);
  return {
    async *list(prefix: string) {
      lists.push(prefix);
      for (const key of keys) if (key.startsWith(prefix)) yield { key, bytes: 1 };
    },
  } as unknown as ObjectStore;
}

const PLANNED = {
  runId: 'r',
  shards: 100_000,
  corpus: { faces: 100_000, subjects: 100_000, bytes: 0, sha256: 'a'.repeat(64) },
  listing: [],
};

test('of 100,000 shards, a look lists the pieces near the last commit and not everything', async () => {
  const shards = runShards(PLANNED, []);
  const done = new Set(Array.from({ length: 42_500 }, (_, shard) => shard));
  const lists: string[] = [];
  const finder = findNewCommits(namesOnly(done, lists));
  const look = async (): Promise<number> => {
    let found = 0;
    for await (const shard of finder.find(shards, (one) => seen.has(one))) {
      seen.add(shard);
      found++;
    }
    return found;
  };
  const seen = new Set<number>();
  assert.equal(await look(), 42_500);
  assert.deepEqual(lists.splice(0), ['commits/']);
  await look();
  assert.deepEqual(lists.splice(0), ['commits/00042', 'commits/00043', 'commits/00099']);
  assert.equal(PIECE_SHARDS, 1_000, 'a piece is what one request lists');
});

test('a commit far away from the others is found after some looks', async () => {
  const shards = runShards(PLANNED, []);
  const seen = new Set<number>();
  const lists: string[] = [];
  const finder = findNewCommits(namesOnly(new Set([77_777]), lists));
  // The first look finds everything; this one was committed after it.
  for await (const _ of finder.find(shards, () => true)) assert.fail('nothing is wanted');
  for (let look = 0; look < 40 && seen.size === 0; look++) {
    for await (const shard of finder.find(shards, (one) => seen.has(one))) seen.add(shard);
  }
  assert.deepEqual([...seen], [77_777]);
});
