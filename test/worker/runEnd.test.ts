import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { createInterruptibleWait } from '../../src/shared/async/interruptibleWait.ts';
import { ConfigError, PosecastError } from '../../src/shared/errors.ts';
import {
  jobId,
  LONGEST_BACKOFF_MS,
  openShardQueue,
  SHARD_JOB,
  type ShardQueue,
} from '../../src/shared/redis/queue.ts';
import { readProgress, seedProgress } from '../../src/shared/redis/runProgress.ts';
import { successBody } from '../../src/shared/run/committedShards.ts';
import { addRetryGeneration, readRunShards } from '../../src/shared/run/generations.ts';
import type { RunFile } from '../../src/shared/run/runFile.ts';
import { RUN_KEY, SUCCESS_KEY } from '../../src/shared/run/runKeys.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { waitForRunEnd } from '../../src/worker/runEnd.ts';
import { addFailedJob } from '../helpers/failedJob.ts';
import { makeSampleRun, planSampleRun, runSampleShard, sampleSpecs } from '../helpers/sampleRun.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withFolderStore } from '../helpers/stores.ts';

/** Longer than a test may take: what happens within it happens because the wait was interrupted. */
const NEVER_MS = 3_600_000;

const withRun = (
  body: (run: RunFile, store: ObjectStore, queue: ShardQueue, redis: Redis) => Promise<void>,
) =>
  withRedis(({ redis }) =>
    withFolderStore(async (store) => {
      const run = await planSampleRun(store);
      const queue = openShardQueue(redis, run.runId);
      try {
        await body(run, store, queue, redis);
      } finally {
        await queue.close();
      }
    }),
  );

test('a run ends with its last shard, however rarely one looks and though the queue was empty before', () =>
  withRun(async (run, store, queue, redis) => {
    const betweenLooks = createInterruptibleWait();
    let looks = 0;
    const ending = waitForRunEnd({
      redis,
      queue,
      store,
      run,
      signal: new AbortController().signal,
      betweenLooks,
      pollMs: NEVER_MS,
      onQueueDepth: () => looks++,
    });
    while (looks === 0) await sleep(5);
    for (const spec of await sampleSpecs(store, run)) {
      await runSampleShard(store, run, spec, `attempt-${spec.index}`);
      betweenLooks.interrupt();
    }
    assert.deepEqual(await ending, { status: 'complete' });
  }));

test('listings that are throttled for a while do not break off the last step, and are told of once; a refusal does', () =>
  withRun(async (run, store, queue, redis) => {
    for (const spec of await sampleSpecs(store, run))
      await runSampleShard(store, run, spec, `a-${spec.index}`);
    let answers: number[] = [];
    const throttled: ObjectStore = {
      ...store,
      list(prefix, signal) {
        const status = answers.shift();
        if (status === undefined) return store.list(prefix, signal);
        throw new PosecastError('s3-failed', 'S3 list failed', { key: prefix, status });
      },
    };
    const said: string[] = [];
    const { signal } = new AbortController();
    const wait = () =>
      waitForRunEnd({ redis, queue, store: throttled, run, signal, warn: (line) => said.push(line) });
    answers = [403];
    await assert.rejects(wait(), { code: 's3-failed' });
    answers = [503, 429];
    assert.deepEqual(await wait(), { status: 'complete' });
    assert.deepEqual(said.length, 1);
    assert.match(said[0]!, /looked at again.*status=503/);
  }));

test('while shards wait in the queue the end of another is no reason to look', () =>
  withRun(async (run, store, queue, redis) => {
    const [spec] = await sampleSpecs(store, run);
    await queue.add(SHARD_JOB, spec!, { jobId: jobId(0) });
    const betweenLooks = createInterruptibleWait();
    const stop = new AbortController();
    let looks = 0;
    const ending = waitForRunEnd({
      redis,
      queue,
      store,
      run,
      signal: stop.signal,
      betweenLooks,
      pollMs: NEVER_MS,
      onQueueDepth: () => looks++,
    });
    while (looks === 0) await sleep(5);
    for (let i = 0; i < 10; i++) {
      betweenLooks.interrupt();
      await sleep(10);
    }
    assert.equal(looks, 1);
    stop.abort(new Error('stopped'));
    await assert.rejects(ending, /stopped/);
  }));

test('a shard is tried again when its backoff is over, whatever the clock of the worker says that it failed on', () =>
  withRun(async (run, store, queue, redis) => {
    const [first, second] = await sampleSpecs(store, run);
    const stop = new AbortController();
    const ending = waitForRunEnd({ redis, queue, store, run, signal: stop.signal });
    const begun = performance.now();
    await queue.add(SHARD_JOB, first!, { jobId: jobId(0), delay: 3 * 3_600_000 });
    // One that fails again and again is due anew each time.
    while (performance.now() - begun < LONGEST_BACKOFF_MS - 500) {
      await queue.add(SHARD_JOB, second!, { jobId: jobId(1), delay: LONGEST_BACKOFF_MS });
      assert.equal(await queue.getDelayedCount(), 2, 'both are in their backoff');
      await sleep(100);
      await (await queue.getJob(jobId(1)))!.remove();
    }
    await queue.add(SHARD_JOB, second!, { jobId: jobId(1), delay: LONGEST_BACKOFF_MS });
    while ((await queue.getWaitingCount()) === 0) await sleep(20);
    assert.ok(performance.now() - begun >= LONGEST_BACKOFF_MS);
    assert.deepEqual(
      (await queue.getWaiting()).map(({ id }) => id),
      [jobId(0)],
    );
    assert.equal(await queue.getDelayedCount(), 1);
    stop.abort(new Error('stopped'));
    await assert.rejects(ending, /stopped/);
  }));

test('a run whose OUT was deleted, or holds another run by now, is not waited for, whatever was committed or failed', () =>
  withRun(async (run, store, queue, redis) => {
    const wait = () => waitForRunEnd({ redis, queue, store, run, signal: AbortSignal.timeout(5_000) });
    const [first, ...others] = await sampleSpecs(store, run);
    const keys: string[] = [];
    for await (const { key } of store.list('')) keys.push(key);
    for (const key of keys) await store.delete(key);
    await assert.rejects(wait(), { code: 'no-run' });
    for (const { index } of [first!, ...others]) await addFailedJob(redis, queue, index);
    await assert.rejects(wait(), { code: 'no-run' });
    await makeSampleRun(store, { runId: 'another-run' });
    await store.put(SUCCESS_KEY, successBody(0));
    await assert.rejects(wait(), { code: 'other-run' });
  }));

test('a run.json that is damaged or forbidden while its run is waited for is nothing that was asked wrongly', () =>
  withRun(async (run, store, queue, redis) => {
    const wait = (store: ObjectStore) =>
      waitForRunEnd({ redis, queue, store, run, signal: AbortSignal.timeout(5_000) });
    const forbidden = { ...store, get: () => Promise.reject(new ConfigError('not-readable', 'forbidden')) };
    await assert.rejects(wait(forbidden), { name: 'IntegrityError', code: 'not-readable' });
    await store.put(RUN_KEY, new TextEncoder().encode('{"runId":'));
    await assert.rejects(wait(store), { name: 'IntegrityError', code: 'damaged-run' });
  }));

test('a run has failed by its shards that count and have no commit: not by one that was replaced, or done in the end', () =>
  withRun(async (run, store, queue, redis) => {
    const specs = await sampleSpecs(store, run);
    // Of 0 and 2 another attempt was faster; 3 is given up, and 1 is not committed either.
    for (const spec of [specs[0]!, specs[2]!]) await runSampleShard(store, run, spec, 'a');
    for (const shard of [3, 0, 2]) await addFailedJob(redis, queue, shard);
    const look = async () => {
      const stop = new AbortController();
      const emptyQueue = { sawWork() {}, sawNone: () => stop.abort(new Error('not failed')), close() {} };
      return waitForRunEnd({ redis, queue, store, run, signal: stop.signal, emptyQueue });
    };
    await assert.rejects(look(), /not failed/);
    await runSampleShard(store, run, specs[1]!, 'a');
    const failed = { status: 'failed', failures: [{ shard: '3', reason: 'shard 3 cannot be done' }] };
    assert.deepEqual(await look(), failed);
    const createdAt = '2026-01-01T00:00:00.000Z';
    const shards = await readRunShards(store, run);
    await addRetryGeneration(store, run, shards, { codes: null, replaces: [3], createdAt });
    await assert.rejects(look(), /not failed/);
  }));

test('whoever finds that a run has failed puts right how many of its shards are done, as far as Redis knows', () =>
  withRun(async (run, store, queue, redis) => {
    const specs = await sampleSpecs(store, run);
    for (const spec of specs.slice(0, 3)) await runSampleShard(store, run, spec, 'a');
    await addFailedJob(redis, queue, 3);
    const look = () => waitForRunEnd({ redis, queue, store, run, signal: AbortSignal.timeout(5_000) });
    // Lost with the key, and with a worker that died before it could count its commit.
    for (const lose of [() => redis.del(`posecast:${run.runId}:progress`), seedOne]) {
      await lose();
      assert.equal((await look()).status, 'failed');
      assert.equal((await readProgress(redis, run.runId)).shardsDone, 3);
    }
    assert.equal((await readProgress(redis, run.runId)).faces, 9, 'what else was counted stays');

    async function seedOne(): Promise<void> {
      await seedProgress(redis, run.runId, { shardsDone: 1, faces: 9, rejects: 0, variants: 0 });
    }
  }));

test('a Redis that takes nothing keeps a run from being found failed as little as a lost count does', () =>
  withRun(async (run, store, queue, redis) => {
    for (const { index } of await sampleSpecs(store, run)) await addFailedJob(redis, queue, index);
    await redis.config('SET', 'maxmemory', '1');
    const end = await waitForRunEnd({ redis, queue, store, run, signal: AbortSignal.timeout(5_000) });
    assert.equal(end.status, 'failed');
  }));

test('a queue that somebody pauses in Redis is told of once a pause, with how to go on', () =>
  withRun(async (run, store, queue, redis) => {
    const [spec] = await sampleSpecs(store, run);
    await queue.add(SHARD_JOB, spec!, { jobId: jobId(0) });
    const said: string[] = [];
    let looks = 0;
    const stop = new AbortController();
    const ending = waitForRunEnd({
      ...{ redis, queue, store, run, signal: stop.signal, pollMs: 5 },
      warn: (line) => said.push(line),
      onQueueDepth: () => looks++,
    });
    const someLooks = async () => {
      for (const until = looks + 5; looks < until; ) await sleep(5);
    };
    await someLooks();
    assert.deepEqual(said, []);
    await queue.pause();
    await someLooks();
    assert.equal(said.length, 1);
    assert.match(
      said[0]!,
      /paused in Redis, and not by `posecast pause` \[queue=.*resumed where it was paused/,
    );
    await queue.resume();
    await someLooks();
    await queue.pause();
    await someLooks();
    assert.equal(said.length, 2);
    stop.abort(new Error('seen'));
    await assert.rejects(ending, /seen/);
  }));
