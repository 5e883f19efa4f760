/** Failed shards that are taken up again are queued, whatever else the queue holds or lacks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'bullmq';
import { queueRetry } from '../../src/producer/queueRetry.ts';
import { chooseRetries, retryShards } from '../../src/producer/retryFailed.ts';
import {
  jobId,
  openShardQueue,
  queueName,
  SHARD_JOB,
  type ShardQueue,
} from '../../src/shared/redis/queue.ts';
import { readProgress } from '../../src/shared/redis/runProgress.ts';
import type { RunFile } from '../../src/shared/run/runFile.ts';
import { noteShardFailure } from '../../src/shared/run/shardFailure.ts';
import type { ShardSpec } from '../../src/shared/shard.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { posecast } from '../helpers/cli.ts';
import { withDashboard } from '../helpers/dashboard.ts';
import { planSampleRun, runSampleShard, sampleSpecs } from '../helpers/sampleRun.ts';
import { type TestRedis, withRedis } from '../helpers/services/redis.ts';
import { withFolderStore } from '../helpers/stores.ts';

/** Jobs that a producer lets wait. */
const HIGH_WATER = 2_000;

interface FullQueue {
  readonly service: TestRedis;
  readonly store: ObjectStore;
  readonly run: RunFile;
  readonly queue: ShardQueue;
}

/**
 * Of ten shards the first is committed, two have failed (for two reasons), the last was never queued; the queue is
 * full.
 */
async function withFullQueue(body: (full: FullQueue) => Promise<void>): Promise<void> {
  await withRedis((service) =>
    withFolderStore(async (store) => {
      const run = await planSampleRun(store, { subjects: 20 });
      const specs = await sampleSpecs(store, run);
      await runSampleShard(store, run, specs[0]!, 'a');
      const queue = openShardQueue(service.redis, run.runId);
      const connection = service.redis.duplicate({ maxRetriesPerRequest: null });
      const worker = new Worker(queueName(run.runId), null, { connection, autorun: false });
      try {
        for (const [index, code] of [
          [3, 's3-failed'],
          [5, 'crashed'],
        ] as const) {
          await queue.add(SHARD_JOB, specs[index]!, { jobId: jobId(index), attempts: 1 });
          await (await worker.getNextJob('t'))!.moveToFailed(new Error(code), 't', false);
          const failedAt = '2026-01-01T00:00:00.000Z';
          const note = { message: code, attempts: 3, host: 'node-7', failedAt };
          await noteShardFailure(store, { runId: run.runId, shard: index, code, ...note });
        }
        // More than a small run has: what they ask for is never looked at.
        const others = Array.from(
          { length: HIGH_WATER },
          (_, i): ShardSpec => ({ ...specs[1]!, index: 100 + i }),
        );
        await queue.addBulk(
          others.map((data) => ({ name: SHARD_JOB, data, opts: { jobId: jobId(data.index) } })),
        );
        await body({ service, store, run, queue });
      } finally {
        await worker.close();
        await connection.quit();
        await queue.close();
      }
    }),
  );
}

const has = async (queue: ShardQueue, shard: number): Promise<boolean> =>
  (await queue.getJob(jobId(shard))) !== undefined;

test('the shards of a retry are queued into a full queue at once, and they alone', () =>
  withFullQueue(async ({ service: { redis }, store, run, queue }) => {
    const choice = await chooseRetries(run, store, ['s3-failed']);
    const asked = { codes: ['s3-failed'], createdAt: '2026-01-02T00:00:00.000Z' };
    const generation = await retryShards(run, store, choice, asked);
    const signal = AbortSignal.timeout(30_000);
    assert.equal(await queueRetry(run, store, generation, choice, { redis, queue, signal }), 1);
    const { data } = (await queue.getJob(jobId(10)))!;
    assert.deepEqual(data, { ...(await sampleSpecs(store, run))[3], index: 10 });
    assert.equal(await has(queue, 3), false, 'its old number has failed no more');
    assert.equal(await has(queue, 5), true, 'a failure that was not chosen stays');
    assert.equal(await has(queue, 9), false, 'never queued: whoever feeds the run does it');
    assert.equal((await readProgress(redis, run.runId)).shardsDone, 1);
  }));

test('of very many shards that are done again as many are queued as Redis has room for; no old number stays failed', () =>
  withFullQueue(async ({ service: { redis }, store, run, queue }) => {
    const choice = await chooseRetries(run, store, null);
    const asked = { codes: null, createdAt: '2026-01-02T00:00:00.000Z' };
    const generation = await retryShards(run, store, choice, asked);
    const signal = AbortSignal.timeout(30_000);
    assert.equal(await queueRetry(run, store, generation, choice, { redis, queue, signal, maxJobs: 1 }), 1);
    const there: boolean[] = [];
    for (const shard of [3, 5, 10, 11]) there.push(await has(queue, shard));
    assert.deepEqual(there, [false, false, true, false]);
  }));

test('the retry button of the dashboard answers while the queue is full', () =>
  withFullQueue(async ({ service: { url: redis }, store, run, queue }) =>
    withDashboard([store.uri], { allowActions: true, redis }, async ({ url }) => {
      const answer = await fetch(`${url}runs/${run.runId}/actions/retry-failed`, {
        method: 'POST',
        redirect: 'manual',
        headers: { origin: url.slice(0, -1) },
        signal: AbortSignal.timeout(30_000),
      });
      assert.equal(answer.status, 303);
      for (const shard of [10, 11]) assert.equal(await has(queue, shard), true);
    }),
  ));

/** A Redis that takes nothing more while `body` runs. */
async function whileRefusing({ redis }: TestRedis, body: () => Promise<void>): Promise<void> {
  await redis.config('SET', 'maxmemory', '1');
  try {
    await body();
  } finally {
    await redis.config('SET', 'maxmemory', '0');
  }
}

test('shards that a refusing Redis cannot queue are said to be taken up again, and whoever repeats the command hears it', () =>
  withFullQueue(async ({ service, store }) =>
    whileRefusing(service, async () => {
      const env = { REDIS_URL: service.url };
      const json = await posecast(['retry-failed', store.uri, '--codes', 's3-failed', '--json'], env);
      assert.equal(json.code, 1, json.stderr);
      const { generation, shards, queued, notQueued } = JSON.parse(json.stdout);
      assert.deepEqual([generation, shards, queued], [1, 1, null]);
      assert.match(notQueued, /OOM/);
      const text = await posecast(['retry-failed', store.uri, '--codes', 'crashed'], env);
      assert.equal(text.code, 1, text.stderr);
      assert.match(
        text.stdout,
        /1 shard taken up again as generation 2\n[\s\S]* not queued +.*OOM.*\n +to go on +the command that started the run/,
      );
      const again = await posecast(['retry-failed', store.uri, '--codes', 's3-failed'], env);
      assert.equal(again.code, 2);
      assert.match(again.stderr, /found none of them; 9 shards are not committed: the command that started/);
    }),
  ));

test('the retry button says so when Redis refuses the shards that it has taken up again', () =>
  withFullQueue(async ({ service, store, run }) =>
    withDashboard([store.uri], { allowActions: true, redis: service.url }, async ({ url }) =>
      whileRefusing(service, async () => {
        const answer = await fetch(`${url}runs/${run.runId}/actions/retry-failed`, {
          method: 'POST',
          redirect: 'manual',
          headers: { origin: url.slice(0, -1) },
          signal: AbortSignal.timeout(30_000),
        });
        assert.equal(answer.status, 500);
        assert.match(
          await answer.text(),
          /taken up again as generation 1.*could not be queued: .*OOM.*to go on: the command that started/,
        );
      }),
    ),
  ));

test('posecast retry-failed ends while the queue is full', () =>
  withFullQueue(async ({ service: { url }, store, queue }) => {
    const retried = await posecast(['retry-failed', store.uri, '--json'], { REDIS_URL: url });
    assert.equal(retried.code, 0, retried.stderr);
    assert.equal(JSON.parse(retried.stdout).queued, 2);
    for (const shard of [10, 11]) assert.equal(await has(queue, shard), true);
  }));
