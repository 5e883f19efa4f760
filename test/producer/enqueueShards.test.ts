import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Job, Worker } from 'bullmq';
import { enqueueShards, forgetFailed } from '../../src/producer/enqueueShards.ts';
import {
  countDeath,
  jobId,
  openShardQueue,
  parseShardJob,
  queueName,
  SHARD_ATTEMPTS,
  type ShardQueue,
  WORKER_OPTIONS,
} from '../../src/shared/redis/queue.ts';
import type { ShardSpec } from '../../src/shared/shard.ts';
import { type TestRedis, withRedis } from '../helpers/services/redis.ts';
import { collect } from './corpusFiles.ts';

const RUN = 'r1';

function specOf(index: number): ShardSpec {
  return {
    runId: RUN,
    index,
    part: 'listing/part-r1-00000.parquet',
    rowStart: index * 10,
    rowEnd: index * 10 + 10,
    subjects: 2,
    firstClassIndex: index * 2,
  };
}

async function* specs(count: number): AsyncGenerator<ShardSpec> {
  for (let i = 0; i < count; i++) yield specOf(i);
}

const NONE = { committed: new Set<number>(), pollMs: 10 };

function withQueue<T>(body: (queue: ShardQueue, service: TestRedis) => Promise<T>): Promise<T> {
  return withRedis(async (service) => {
    const queue = openShardQueue(service.redis, RUN);
    try {
      return await body(queue, service);
    } finally {
      await queue.close();
    }
  });
}

/** Processes shards in this process until `body` returns. */
async function withWorker<T>(
  service: TestRedis,
  process: (job: Job) => Promise<unknown>,
  body: () => Promise<T>,
): Promise<T> {
  const connection = service.redis.duplicate();
  const worker = new Worker(queueName(RUN), process, { connection, ...WORKER_OPTIONS });
  worker.on('error', () => {});
  try {
    return await body();
  } finally {
    await worker.close();
    connection.disconnect();
  }
}

test('every shard becomes one small job that parses back', () =>
  withQueue(async (queue) => {
    const fed = await enqueueShards(queue, specs(1_203), NONE);
    assert.deepEqual(fed, { queued: 1_203, held: 0, skipped: 0 });
    const jobs = await queue.getJobs(['wait'], 0, -1, true);
    assert.deepEqual(
      jobs.map((job) => parseShardJob(job.data)),
      await collect(specs(1_203)),
    );
    assert.ok(Math.max(...jobs.map((job) => JSON.stringify(job.data).length)) < 1_024);
    assert.equal(jobs[0]?.opts.attempts, SHARD_ATTEMPTS);
  }));

test('queueing again adds nothing twice, and says so of shards that wait or are to be tried again', () =>
  withQueue(async (queue) => {
    await queue.add('shard', specOf(3), { jobId: jobId(3), delay: 3_600_000 });
    await enqueueShards(queue, specs(19), NONE);
    const fed = await enqueueShards(queue, specs(20), NONE);
    assert.deepEqual(fed, { queued: 1, held: 19, skipped: 0 });
    assert.deepEqual(await queue.getJobCounts('wait', 'delayed'), { wait: 19, delayed: 1 });
  }));

test('shards that have a commit are skipped', () =>
  withQueue(async (queue) => {
    const fed = await enqueueShards(queue, specs(5), { ...NONE, committed: new Set([0, 3]) });
    assert.deepEqual(fed, { queued: 3, held: 0, skipped: 2 });
    const waiting = await queue.getJobs(['wait'], 0, -1, true);
    assert.deepEqual(
      waiting.map(({ id }) => id),
      [1, 2, 4].map(jobId),
    );
  }));

test('the queue never holds more than the high-water mark, and all shards pass through it', () =>
  withQueue(async (queue, service) => {
    let most = 0;
    const done: number[] = [];
    const look = async (job: Job) => {
      const counts = await queue.getJobCounts('wait', 'delayed', 'prioritized');
      most = Math.max(
        most,
        Object.values(counts).reduce((sum, count) => sum + count, 0),
      );
      done.push(parseShardJob(job.data).index);
    };
    await withWorker(service, look, async () => {
      await enqueueShards(queue, specs(500), { ...NONE, highWater: 40 });
      while (done.length < 500) await new Promise((resolve) => setTimeout(resolve, 10));
    });
    assert.equal(new Set(done).size, 500);
    assert.ok(most > 0 && most <= 40, `at most 40 may wait, found ${most}`);
  }));

test('with nobody working, feeding waits at the high-water mark and stops when told to', () =>
  withQueue(async (queue) => {
    const stop = new AbortController();
    const feeding = enqueueShards(queue, specs(100), { ...NONE, highWater: 30, signal: stop.signal });
    while ((await queue.getJobCounts('wait')).wait !== 30)
      await new Promise((resolve) => setTimeout(resolve, 10));
    stop.abort();
    await assert.rejects(feeding, { name: 'AbortError' });
    assert.deepEqual(await queue.getJobCounts('wait'), { wait: 30 });
  }));

test('a shard that failed is tried again when it is asked for again', () =>
  withQueue(async (queue, service) => {
    const failing = (job: Job) => Promise.reject(new Error(`no ${job.id}`));
    await queue.add('shard', specOf(0), { jobId: jobId(0), attempts: 1 });
    await withWorker(service, failing, async () => {
      while ((await queue.getJobCounts('failed')).failed !== 1)
        await new Promise((resolve) => setTimeout(resolve, 10));
    });
    // A queue that is fed again because it is empty must not try failed shards for ever.
    await enqueueShards(queue, specs(1), NONE);
    assert.deepEqual(await queue.getJobCounts('wait', 'failed'), { wait: 0, failed: 1 });
    await forgetFailed(queue);
    await enqueueShards(queue, specs(1), NONE);
    assert.deepEqual(await queue.getJobCounts('wait', 'failed'), { wait: 1, failed: 0 });
  }));

test('a shard that the queue remembers as done but that has no commit runs again', () =>
  withQueue(async (queue, service) => {
    await enqueueShards(queue, specs(2), NONE);
    await withWorker(
      service,
      () => Promise.resolve('key'),
      async () => {
        while ((await queue.getJobCounts('completed')).completed !== 2)
          await new Promise((resolve) => setTimeout(resolve, 10));
      },
    );
    await enqueueShards(queue, specs(2), { ...NONE, committed: new Set([0]) });
    const waiting = await queue.getJobs(['wait']);
    assert.deepEqual(
      waiting.map(({ id }) => id),
      [jobId(1)],
    );
  }));

test('a shard that ended on a machine whose clock is ahead is queued again like any other', () =>
  withQueue(async (queue, { redis }) => {
    const nextYear = Date.now() + 366 * 86_400_000;
    await enqueueShards(queue, specs(2), NONE);
    for (const [index, state] of ['failed', 'completed'].entries()) {
      await redis.lrem(queue.toKey('wait'), 1, jobId(index));
      await redis.zadd(queue.toKey(state), nextYear, jobId(index));
      await redis.hset(queue.toKey(jobId(index)), 'finishedOn', nextYear);
    }
    await forgetFailed(queue);
    const fed = await enqueueShards(queue, specs(2), NONE);
    assert.deepEqual(fed, { queued: 2, held: 0, skipped: 0 });
    assert.deepEqual(await queue.getJobCounts('wait', 'failed', 'completed'), {
      wait: 2,
      failed: 0,
      completed: 0,
    });
  }));

test('a death is counted of a job that is still held, and a shard that Redis lost meanwhile is queued again', () =>
  withQueue(async (queue, { redis }) => {
    await enqueueShards(queue, specs(1), NONE);
    const connection = redis.duplicate();
    const worker = new Worker(queueName(RUN), null, { connection, ...WORKER_OPTIONS });
    const key = queue.toKey(jobId(0));
    try {
      await worker.getNextJob('mine');
      await countDeath(redis, key, 'mine');
      await countDeath(redis, key, 'of before');
      assert.equal(await redis.hget(key, 'stc'), '1');
      await redis.flushall();
      await countDeath(redis, key, 'mine');
      assert.deepEqual(await redis.keys('*'), [], 'no job is made of nothing');
      await enqueueShards(queue, specs(1), NONE);
      assert.deepEqual(await queue.getJobCounts('wait'), { wait: 1 });
    } finally {
      await worker.close();
      connection.disconnect();
    }
  }));

test('a job that is no shard of this version is refused for good', () => {
  for (const data of [null, {}, { ...specOf(0), rows: 3 }, { ...specOf(0), index: -1 }, 'shard-0']) {
    assert.throws(() => parseShardJob(data), { name: 'PermanentShardError', code: 'bad-job' });
  }
});
