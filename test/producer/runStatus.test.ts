import assert from 'node:assert/strict';
import { test } from 'node:test';
import { feedRun } from '../../src/producer/feedRun.ts';
import { chooseRetries } from '../../src/producer/retryFailed.ts';
import { type RunFacts, stateOf } from '../../src/producer/runState.ts';
import { readRunStatus } from '../../src/producer/runStatus.ts';
import { openShardQueue } from '../../src/shared/redis/queue.ts';
import { finalizeRun } from '../../src/shared/run/finalizeRun.ts';
import { addRetryGeneration, readRunShards } from '../../src/shared/run/generations.ts';
import { runShards } from '../../src/shared/run/runShards.ts';
import { createRunTally } from '../../src/shared/run/runTally.ts';
import { noteShardFailure } from '../../src/shared/run/shardFailure.ts';
import { rejectsOfSmallRun } from '../../src/worker/rejectWatch.ts';
import { addFailedJob } from '../helpers/failedJob.ts';
import {
  PER_SHARD,
  planSampleRun,
  runSampleShard,
  runShardOfAnother,
  sampleSpecs,
} from '../helpers/sampleRun.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { storeKeys, withFolderStore } from '../helpers/stores.ts';

test('a shard that failed before it was replaced, or committed, does not make a run that is not queued a failed one', () =>
  withRedis(({ redis }) =>
    withFolderStore(async (store) => {
      const run = await planSampleRun(store, { subjects: 8 });
      const specs = await sampleSpecs(store, run);
      for (const spec of specs.slice(0, 3)) await runSampleShard(store, run, spec, 'a1');
      const queue = openShardQueue(redis, run.runId);
      const read = async () => {
        const shards = await readRunShards(store, run);
        const tally = createRunTally(shards, store);
        const { state, queue: found } = await readRunStatus(run, store, tally, shards, { redis, queue });
        return [state, found?.failed];
      };
      try {
        await addFailedJob(redis, queue, 0);
        assert.deepEqual(await read(), ['not queued', 0]);
        await addFailedJob(redis, queue, 3);
        assert.deepEqual(await read(), ['failed', 1]);
        const createdAt = '2026-01-02T00:00:00.000Z';
        const asked = { codes: null, replaces: [3], createdAt };
        await addRetryGeneration(store, run, await readRunShards(store, run), asked);
        assert.deepEqual(await read(), ['not queued', 0]);
      } finally {
        await queue.close();
      }
    }),
  ));

test('without Redis the status still counts what is committed', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store, { subjects: 8 });
    const [first] = await sampleSpecs(store, run);
    assert.ok(first);
    await runSampleShard(store, run, first, 'a1');
    const shards = runShards(run, []);
    const read = () => readRunStatus(run, store, createRunTally(shards, store), shards, undefined);
    const status = await read();
    assert.deepEqual([status.state, status.shardsDone, status.counters], ['unknown', 1, PER_SHARD]);
    assert.equal(status.queue, undefined);
    for (const shard of [0, 1, 2, 3]) {
      assert.equal((await read()).state, 'unknown', 'shards are missing that nobody gave up');
      await noteShardFailure(store, {
        runId: run.runId,
        shard,
        code: 'disk-full',
        message: 'no space left',
        attempts: 3,
        host: 'h',
        failedAt: '2026-01-01T00:00:00.000Z',
      });
    }
    const { state, failures } = await read();
    assert.equal(state, 'failed');
    assert.deepEqual(failures[0], { shard: 1, code: 'disk-full', reason: 'no space left' });
  }));

/** Of a run of 320 shards, none done. */
const state = (facts: Partial<RunFacts>) =>
  stateOf({ finished: false, paused: false, queue: undefined, failures: 0, missing: 320, ...facts });

test('the state of a run follows from commits first, then from the pause, then from the queue', () => {
  const idle = { waiting: 0, active: 0, delayed: 0, failed: 0, listed: true, workers: 0 };
  const busy = { ...idle, waiting: 3, failed: 1 };
  assert.equal(state({ finished: true, missing: 0, queue: idle }), 'complete');
  assert.equal(state({ missing: 0, queue: busy }), 'finishing');
  assert.equal(state({ missing: 0, paused: true, queue: busy }), 'paused');
  assert.equal(state({ paused: true, queue: busy }), 'paused');
  assert.equal(state({}), 'unknown');
  assert.equal(state({ queue: { ...busy, workers: 1 } }), 'running');
  assert.equal(state({ queue: busy }), 'waiting');
  const forgotten = { ...busy, listed: false };
  assert.equal(state({ queue: forgotten }), 'not queued');
  assert.equal(state({ queue: { ...forgotten, workers: 1 } }), 'running', 'until its workers leave');
  assert.equal(state({ queue: { ...idle, failed: 1, workers: 1 }, missing: 1 }), 'failed');
  assert.equal(
    state({ queue: { ...idle, failed: 1 }, failures: 1 }),
    'not queued',
    'of most nobody has tried',
  );
  assert.equal(state({ queue: idle }), 'not queued');
});

test('a run whose missing shards were all given up has failed, also when its Redis was emptied', () => {
  const emptied = { waiting: 0, active: 0, delayed: 0, failed: 0, listed: true, workers: 0 };
  assert.equal(state({ queue: emptied, failures: 1, missing: 2 }), 'not queued');
  assert.equal(state({ queue: emptied, failures: 2, missing: 2 }), 'failed');
  assert.equal(state({ failures: 2, missing: 2 }), 'failed');
  const tried = { ...emptied, waiting: 1 };
  assert.equal(state({ queue: tried, failures: 2, missing: 2 }), 'waiting', 'they are tried again');
});

test('a commit of another run is counted by none who looks, and the way out is said', () =>
  withRedis(({ redis }) =>
    withFolderStore(async (store) => {
      const run = await planSampleRun(store, { subjects: 2 });
      const [spec] = await sampleSpecs(store, run);
      assert.ok(spec);
      await runShardOfAnother(store, run, spec);
      const queue = openShardQueue(redis, run.runId);
      const { signal } = new AbortController();
      const shards = runShards(run, []);
      const note = { code: 'other-run', message: 'commit is of another run', attempts: 3, host: 'node-7' };
      const failedAt = '2026-01-01T00:00:00.000Z';
      await noteShardFailure(store, { runId: run.runId, shard: 0, ...note, failedAt });
      const looks = {
        'run, submit': () => feedRun(run, store, { redis, queue, signal, keepFailed: true }),
        status: () => readRunStatus(run, store, createRunTally(shards, store), shards, undefined),
        'retry-failed': () => chooseRetries(run, store, null),
        'retry-failed --codes': () => chooseRetries(run, store, ['detect/no-face']),
        '--max-failure-rate': () => rejectsOfSmallRun(0.5, run, store),
        'last step': async () => {
          // The run before had its own files removed.
          for (const folder of ['data', 'rejects', 'subjects'])
            for (const key of await storeKeys(store, `${folder}/`)) await store.delete(key);
          await finalizeRun(store, run);
        },
      };
      try {
        for (const [what, look] of Object.entries(looks)) {
          const message = /commit is of another run.*: remove this commit, or delete OUT once more/;
          await assert.rejects(look(), { name: 'IntegrityError', code: 'other-run', message }, what);
        }
      } finally {
        await queue.close();
      }
    }),
  ));

test('a queue that is paused in Redis is shown as such', () =>
  withRedis(({ redis }) =>
    withFolderStore(async (store) => {
      const run = await planSampleRun(store, { subjects: 8 });
      const queue = openShardQueue(redis, run.runId);
      const shards = runShards(run, []);
      const paused = async () =>
        (await readRunStatus(run, store, createRunTally(shards, store), shards, { redis, queue })).queue
          ?.paused;
      try {
        assert.equal(await paused(), false);
        await queue.pause();
        assert.equal(await paused(), true);
      } finally {
        await queue.close();
      }
    }),
  ));
