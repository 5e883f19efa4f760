import assert from 'node:assert/strict';
import { test } from 'node:test';
import { feedAgain, feedRun } from '../../src/producer/feedRun.ts';
import { readRunStatus } from '../../src/producer/runStatus.ts';
import { sayAlive } from '../../src/shared/redis/liveWorkers.ts';
import { openShardQueue } from '../../src/shared/redis/queue.ts';
import { listRuns } from '../../src/shared/redis/runList.ts';
import { readProgress } from '../../src/shared/redis/runProgress.ts';
import { readRunShards } from '../../src/shared/run/generations.ts';
import { runShards } from '../../src/shared/run/runShards.ts';
import { createRunTally } from '../../src/shared/run/runTally.ts';
import { noteShardFailure } from '../../src/shared/run/shardFailure.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { addFailedJob } from '../helpers/failedJob.ts';
import { PER_SHARD, planSampleRun, runSampleShard, sampleSpecs } from '../helpers/sampleRun.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withFolderStore } from '../helpers/stores.ts';

test('shards that are tried again are not said to be given up, and those that are left alone are', () =>
  withRedis(({ redis }) =>
    withFolderStore(async (store) => {
      const run = await planSampleRun(store, { subjects: 2 });
      const queue = openShardQueue(redis, run.runId);
      try {
        await addFailedJob(redis, queue, 0);
        const note = { code: 's3-failed', message: 'away', attempts: 3, host: 'node-7' };
        const failedAt = '2026-01-01T00:00:00.000Z';
        await noteShardFailure(store, { runId: run.runId, shard: 0, ...note, failedAt });
        const { signal } = new AbortController();
        const stateWithoutRedis = async () => {
          const shards = await readRunShards(store, run);
          return (await readRunStatus(run, store, createRunTally(shards, store), shards, undefined)).state;
        };
        await feedRun(run, store, { redis, queue, signal, keepFailed: true });
        assert.equal(await stateWithoutRedis(), 'failed');
        await feedRun(run, store, { redis, queue, signal });
        assert.equal(await stateWithoutRedis(), 'unknown');
      } finally {
        await queue.close();
      }
    }),
  ));

test('feeding a run makes it known, seeds its progress from the commits and queues the rest', () =>
  withRedis(({ redis }) =>
    withFolderStore(async (store) => {
      const run = await planSampleRun(store, { subjects: 8 });
      const [first] = await sampleSpecs(store, run);
      assert.ok(first);
      await runSampleShard(store, run, first, 'a1');
      const queue = openShardQueue(redis, run.runId);
      try {
        const signal = new AbortController().signal;
        assert.deepEqual(await feedRun(run, store, { redis, queue, signal }), {
          queued: 3,
          held: 0,
          skipped: 1,
        });
        assert.deepEqual(await queue.getJobCounts('wait'), { wait: 3 });
        const [known] = await listRuns(redis);
        assert.deepEqual(known, {
          runId: run.runId,
          out: store.uri,
          createdAt: run.createdAt,
          shards: 4,
          generation: 0,
        });
        const { faces, rejected: rejects, variants } = PER_SHARD;
        assert.deepEqual(await readProgress(redis, run.runId), { shardsDone: 1, faces, rejects, variants });

        await sayAlive(redis, run.runId, { workerId: 'w', host: 'node1', pid: 7, device: 'cpu' });
        const status = await readRunStatus(
          run,
          store,
          createRunTally(runShards(run, []), store),
          runShards(run, []),
          {
            redis,
            queue,
          },
        );
        assert.equal(status.state, 'running');
        assert.deepEqual([status.shardsDone, status.shardsTotal, status.facesTotal], [1, 4, 32]);
        assert.deepEqual([status.queue?.waiting, status.queue?.workers.length], [3, 1]);
      } finally {
        await queue.close();
      }
    }),
  ));

test('of several that find the queue empty one feeds it, and the run is known again', () =>
  withRedis(({ redis }) =>
    withFolderStore(async (store) => {
      const run = await planSampleRun(store, { subjects: 8 });
      const queue = openShardQueue(redis, run.runId);
      try {
        const { signal } = new AbortController();
        await feedRun(run, store, { redis, queue, signal });
        await redis.flushall();
        let fed = 0;
        const onProgress = () => void fed++;
        const options = { redis, queue, signal, onProgress };
        await Promise.all([1, 2, 3].map(() => feedAgain(run, store, options)));
        assert.equal(fed, 1);
        assert.deepEqual(await queue.getJobCounts('wait'), { wait: 4 });
        assert.deepEqual(
          (await listRuns(redis)).map(({ runId }) => runId),
          [run.runId],
        );
      } finally {
        await queue.close();
      }
    }),
  ));

test('feeding a run forgets its failed shards before it reads what is committed', () =>
  withRedis(({ redis }) =>
    withFolderStore(async (store) => {
      const run = await planSampleRun(store, { subjects: 8 });
      const [first] = await sampleSpecs(store, run);
      await runSampleShard(store, run, first!, 'a1');
      const queue = openShardQueue(redis, run.runId);
      try {
        await addFailedJob(redis, queue, 3);
        const failed: number[] = [];
        const watched: ObjectStore = {
          ...store,
          get: async (...args) => {
            failed.push(await queue.getFailedCount());
            return store.get(...args);
          },
        };
        await feedRun(run, watched, { redis, queue, signal: new AbortController().signal });
        assert.deepEqual([...new Set(failed)], [0]);
        assert.deepEqual(await queue.getJobCounts('wait', 'failed'), { wait: 3, failed: 0 });
      } finally {
        await queue.close();
      }
    }),
  ));
