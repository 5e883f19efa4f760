/**
 * Takes shards from a run's queue and processes them. BullMQ is known to this file and to those that it puts together
 * (shardAttempts, shardWorker …); processShard and all below it know no queue.
 *
 * This thread holds the locks of the shards in work, so it only talks to Redis and starts asynchronous reads and
 * writes; models and encoding run in threads of their own.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Telemetry } from 'bullmq';
import type { Redis } from 'ioredis';
import { sayAlive, sayGone } from '../shared/redis/liveWorkers.ts';
import { queueName, WORKER_OPTIONS } from '../shared/redis/queue.ts';
import { isRefusal } from '../shared/redis/redisRefusal.ts';
import type { Say } from '../shared/text/logFields.ts';
import { createFailureReports } from './queue/failureReports.ts';
import { createRefusalNotice } from './queue/refusalNotice.ts';
import { type AttemptListeners, createShardAttempts } from './queue/shardAttempts.ts';
import { createShardIntake } from './queue/shardIntake.ts';
import { ShardWorker } from './queue/shardWorker.ts';
import type { StorePlace } from './queue/storeOutage.ts';
import type { ShardContext } from './shardContext.ts';

export interface RunWorkerOptions extends AttemptListeners {
  readonly redis: Redis;
  readonly context: ShardContext;
  /** Shards in work at once: 2, so that one is read and committed while the other computes. */
  readonly concurrency?: number;
  /** Receives lines for a person: failed attempts, a lost Redis. */
  readonly warn: Say;
  /** Takes no shard before `setPaused(false)`. */
  readonly paused?: boolean;
  /** Redis knows that a shard, or an attempt of one, has ended here. */
  readonly onShardEnd?: () => void;
  /** BullMQ's spans; absent: no traces. */
  readonly telemetry?: Telemetry;
}

export interface RunWorker {
  /** Shards in work now. */
  inWork(): number;
  /** By `performance.now()`: when Redis last answered the question for a job, or a shard last made progress. */
  consumedAt(): number;
  /** Redis has refused the question for a job since it last answered one. */
  isRefused(): boolean;
  /**
   * Takes no new shard. Those in work that will be done within the time, as far as that can be told, are finished; the
   * others are handed back to the queue at once, without burning an attempt.
   */
  drain(graceMs: number): { readonly finishing: number; readonly handedBack: number };
  /** Whether new shards are taken; those in work are finished in any case. */
  setPaused(paused: boolean): void;
  /** Whether the store is what failed; then it is watched, and no shard is taken before it is back. */
  isStoreAway(error: unknown): Promise<boolean>;
  /** Undefined: both answer. */
  waitsForStore(): StorePlace | undefined;
  /** Longest time this thread was kept from renewing locks while it held one, in milliseconds. */
  longestBlockMs(): number;
  /** Takes no new shard, breaks off those in work and hands them back to the queue, without burning an attempt. */
  close(): Promise<void>;
}

const HEARTBEAT_MS = 10_000;
/** A store that is away must not keep a worker that was told to stop. */
const NOTE_MS = 5_000;

/** Waits for nothing: a Redis that goes in this moment must not keep a worker from hearing that it is to end. */
export function startRunWorker(options: RunWorkerOptions): RunWorker {
  const { redis, context, warn, observer = {}, concurrency = 2 } = options;
  const { runId } = context.run;
  const refusals = createRefusalNotice(warn);
  const failures = createFailureReports({ store: context.store, runId, warn, observer });
  const paused = options.paused === true;

  const worker = new ShardWorker(queueName(runId), (job, token) => attempts.attempt(job, token), {
    connection: redis,
    concurrency,
    autorun: !paused,
    ...WORKER_OPTIONS,
    ...(options.telemetry && { telemetry: options.telemetry }),
  });
  const intake = createShardIntake({ worker, paused, context, warn });
  const attempts = createShardAttempts({ ...options, observer, concurrency, worker, intake, refused });
  worker.on('error', (error) => refusals.add(error));
  worker.onAnswer = () => refusals.over();
  worker.on('completed', () => options.onShardEnd?.());
  worker.on('failed', (job, error) => {
    failures.add(job, error);
    options.onShardEnd?.();
  });

  const self = { workerId: randomUUID(), host: hostname(), pid: process.pid, device: context.device };
  // A lost heartbeat is not worth stopping for: the worker only looks dead in `status`.
  const announced = sayAlive(redis, runId, self).catch((error: Error) => refusals.add(error));
  const heartbeat = setInterval(() => void sayAlive(redis, runId, self).catch(() => {}), HEARTBEAT_MS);

  function refused(error: unknown): void {
    if (!isRefusal(error)) throw error;
    refusals.add(error);
  }

  return {
    inWork: () => attempts.inWork.size(),
    consumedAt: () => Math.max(worker.answeredAt, attempts.progressAt()),
    isRefused: () => worker.refusedAt > worker.answeredAt,
    drain(graceMs) {
      intake.takeNoMore();
      return attempts.inWork.drain(graceMs);
    },
    setPaused: intake.setPaused,
    isStoreAway: intake.isStoreAway,
    waitsForStore: intake.storeAway,
    longestBlockMs: attempts.longestBlockMs,
    async close() {
      clearInterval(heartbeat);
      await Promise.race([failures.settled(), sleep(NOTE_MS, undefined, { ref: false })]);
      intake.close();
      attempts.inWork.abort();
      // Handing shards back needs Redis. One that is away, or goes now, is not waited for: the locks run out.
      const handBack = worker
        .close(redis.status !== 'ready')
        .then(() => announced)
        .then(() => sayGone(redis, runId, self.workerId))
        .catch(refused);
      await Promise.race([handBack, connectionLost(redis)]);
    },
  };
}

/** Resolves as soon as there is no connection. */
function connectionLost(redis: Redis): Promise<void> {
  return new Promise((resolve) => {
    if (redis.status === 'ready') redis.once('close', () => resolve());
    else resolve();
  });
}
