import assert from 'node:assert/strict';
import { test } from 'node:test';
import { feedRun } from '../../src/producer/feedRun.ts';
import { readRunStatus } from '../../src/producer/runStatus.ts';
import { createRunTally } from '../../src/producer/runTally.ts';
import { openShardQueue } from '../../src/shared/queue.ts';
import { readRunShards } from '../../src/shared/run/generations.ts';
import { noteShardFailure } from '../../src/shared/run/shardFailure.ts';
import { addFailedJob } from '../helpers/failedJob.ts';
import { planSampleRun } from '../helpers/sampleRun.ts';
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
