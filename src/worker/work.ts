/**
 * Takes shards from a run's queue and processes them. The only file of the worker that knows BullMQ.
 *
 * This thread holds the locks of the shards in work, so it only talks to Redis and starts asynchronous reads and
 * writes; models and encoding run in threads of their own.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Job, type Telemetry, UnrecoverableError, WaitingError } from 'bullmq';
import type { Redis } from 'ioredis';
import {
  describeError,
  PermanentShardError,
  PosecastError,
  StoreUnusableError,
  ThreadDiedError,
  toError,
} from '../shared/errors.ts';
import type { Say } from '../shared/logFields.ts';
import { countDeath, parseShardJob, queueName, WORKER_OPTIONS } from '../shared/queue.ts';
import { isRefusal } from '../shared/redisRefusal.ts';
import { sayAlive, sayGone } from '../shared/redisRuns/liveWorkers.ts';
import { addProgress } from '../shared/redisRuns/runProgress.ts';
import type { ShardSpec } from '../shared/shard.ts';
import { createFailureReports } from './failureReports.ts';
import { processShard } from './processShard.ts';
import { failureCode } from './recordFailure.ts';
import { createRefusals } from './refusals.ts';
import type { ShardContext } from './shardContext.ts';
import { createShardPace } from './shardPace.ts';
import type { ShardProgress } from './shardProgress.ts';
import { createShardsInWork, sumProgress } from './shardsInWork.ts';
import type { FaceResult } from './shardTables.ts';
import { ShardWorker } from './shardWorker.ts';
import { openStopwatch } from './stopwatch.ts';
import { createStoreOutage, type StorePlace } from './storeOutage.ts';
import { createSuspects } from './suspects.ts';
import type { ShardEnd, WorkObserver } from './workObserver.ts';

export interface RunWorkerOptions {
  readonly redis: Redis;
  readonly context: ShardContext;
  /** Shards in work at once: 2, so that one is read and committed while the other computes. */
  readonly concurrency?: number;
  /** Receives lines for a person: failed attempts, a lost Redis. */
  readonly warn: Say;
  /** Faces and variants done by this process in shards that are not committed yet. */
  readonly onInFlight?: (inFlight: ShardProgress) => void;
  /** Takes no shard before `setPaused(false)`. */
  readonly paused?: boolean;
  /**
   * Asked before a shard is started, with the milliseconds it will take as far as that is known. False: it is handed
   * back to the queue, and no other is taken.
   */
  readonly mayStart?: (estimateMs: number | undefined) => boolean;
  /** Photographs as they are done. */
  readonly onFaces?: (results: readonly FaceResult[]) => void;
  /** Redis knows that a shard, or an attempt of one, has ended here. */
  readonly onShardEnd?: () => void;
  /**
   * Nothing more can be written to OUT, or computed here. Shards go back to the queue unburnt, and no other is taken.
   */
  readonly onUnusable?: (error: StoreUnusableError | ThreadDiedError) => void;
  /** Hears of everything; for metrics, traces and logs. */
  readonly observer?: WorkObserver;
  /** BullMQ's spans; absent: no traces. */
  readonly telemetry?: Telemetry;
}

export interface RunWorker {
  /** Shards in work now. */
  inWork(): number;
  /** By `performance.now()`: when Redis last answered the question for a job, or a shard last made progress. */
  consumedAt(): number;
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
/** Samples of the event loop's delay are taken this often; the histogram's figures include it. */
const DELAY_RESOLUTION_MS = 5;

/** Waits for nothing: a Redis that goes in this moment must not keep a worker from hearing that it is to end. */
export function startRunWorker(options: RunWorkerOptions): RunWorker {
  const { redis, context, warn, observer = {} } = options;
  const { runId } = context.run;
  const pace = createShardPace();
  const inWork = createShardsInWork(pace);
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  const reportInFlight = () => options.onInFlight?.(sumProgress(inWork.progress()));
  let progressAt = performance.now();
  /** For good: shards that were asked for before are handed back when they come. */
  let takesNoMore = false;
  let threadDied = false;

  async function handBack(job: Job<unknown, unknown>, token: string | undefined): Promise<never> {
    // Not taken back, it is handed out again when its lock has run out.
    await job.moveToWait(token).catch(refused);
    throw new WaitingError();
  }

  function takeNoMore(): void {
    takesNoMore = true;
    void worker.pause(true);
  }

  async function work(job: Job<unknown, unknown>, token: string | undefined): Promise<string> {
    const shard = inWork.start();
    const stopwatch = openStopwatch();
    let spec: ShardSpec | undefined;
    let end: Pick<ShardEnd, 'outcome' | 'failure' | 'counters' | 'rejectsByCode'> = {
      outcome: 'handed-back',
    };
    delay.enable();
    if (job.attemptsStarted === 1 && job.processedOn !== undefined) {
      observer.queueWait?.(Math.max(0, job.processedOn - job.timestamp) / 1_000);
    }
    const add = (done: ShardProgress) => {
      progressAt = performance.now();
      shard.add(done);
      observer.progress?.(done);
      reportInFlight();
    };
    try {
      const mayEnter = await suspects.enter(job.stalledCounter > 0, shard.signal);
      const asked = parseShardJob(job.data);
      spec = asked;
      const faces = asked.rowEnd - asked.rowStart;
      shard.setFaces(faces);
      // One that was asked for before the pause comes after it.
      if (takesNoMore || worker.isPaused() || !mayEnter) await handBack(job, token);
      if (options.mayStart?.(pace.estimate(faces)) === false) {
        takeNoMore();
        await handBack(job, token);
      }
      const outcome = await processShard(asked, context, {
        signal: shard.signal,
        onProgress: add,
        onFaces: (results) => {
          observer.faces?.(results, asked);
          options.onFaces?.(results);
        },
        stopwatch,
        observer,
        onCommitted: (counters, rejectsByCode) => {
          end = { outcome: 'committed', counters, rejectsByCode };
        },
      });
      if (outcome === 'taken') end = { outcome };
      if (outcome === 'committed') {
        pace.add({ faces, ms: shard.elapsedMs() });
        // A hint for live lines: a shard that is committed is not kept from ending by a Redis that is away.
        void addProgress(redis, runId, { ...shard.done(), shardsDone: 1 }).catch(() => {});
      }
      return outcome;
    } catch (error) {
      if (error instanceof WaitingError) throw error;
      if (error instanceof ThreadDiedError && !threadDied) {
        threadDied = true;
        takeNoMore();
        options.onUnusable?.(error);
      }
      if (threadDied) {
        // Nobody knows which of those in work it was.
        await countDeath(redis, worker.toKey(job.id ?? ''), token);
        await handBack(job, token);
      }
      if (shard.signal.aborted) await handBack(job, token);
      if (error instanceof StoreUnusableError) {
        takeNoMore();
        options.onUnusable?.(error);
        await handBack(job, token);
      }
      if (await outage.isAway(error)) await handBack(job, token);
      end = { outcome: 'failed', failure: { code: failureCode(error), message: describeError(error) } };
      // Failed jobs are read again, to be reported: by then the payload must be JSON.
      if (error instanceof PermanentShardError && error.code === 'bad-job') await job.updateData(null);
      throw attemptError(error);
    } finally {
      progressAt = performance.now();
      suspects.leave();
      const seconds = shard.elapsedMs() / 1_000;
      const times = { seconds, stages: stopwatch.spans(), stagesMs: stopwatch.measured() };
      observer.shardEnded?.({ runId, ...(spec && { spec }), ...times, ...end });
      shard.end();
      if (inWork.size() === 0) delay.disable();
      reportInFlight();
    }
  }

  const concurrency = options.concurrency ?? 2;
  const suspects = createSuspects({
    onMayOverlap(mayOverlap) {
      // What is handed back would be handed out again at once.
      worker.concurrency = mayOverlap ? concurrency : 1;
    },
  });
  const refusals = createRefusals(warn);
  const refused = (error: unknown): void => {
    if (!isRefusal(error)) throw error;
    refusals.add(error);
  };
  let paused = options.paused === true;
  const outage = createStoreOutage({
    store: context.store,
    corpus: context.corpus,
    warn,
    onChange: () => takeOrWait(),
  });
  const takeOrWait = (): void => {
    if (takesNoMore) return;
    // `true`: without waiting for the shards in work.
    if (paused || outage.away !== undefined) void worker.pause(true);
    else void worker.resume();
  };

  const worker = new ShardWorker(queueName(runId), work, {
    connection: redis,
    concurrency,
    autorun: options.paused !== true,
    ...WORKER_OPTIONS,
    ...(options.telemetry && { telemetry: options.telemetry }),
  });
  worker.on('error', (error) => refusals.add(error));
  worker.onAnswer = () => refusals.over();
  worker.on('completed', () => options.onShardEnd?.());
  const failures = createFailureReports({ store: context.store, runId, warn, observer });
  worker.on('failed', (job, error) => {
    failures.add(job, error);
    options.onShardEnd?.();
  });

  const self = { workerId: randomUUID(), host: hostname(), pid: process.pid, device: context.device };
  // A lost heartbeat is not worth stopping for: the worker only looks dead in `status`.
  const announced = sayAlive(redis, runId, self).catch((error: Error) => refusals.add(error));
  const heartbeat = setInterval(() => void sayAlive(redis, runId, self).catch(() => {}), HEARTBEAT_MS);

  return {
    inWork: () => inWork.size(),
    consumedAt: () => Math.max(worker.answeredAt, progressAt),
    drain(graceMs) {
      takeNoMore();
      return inWork.drain(graceMs);
    },
    setPaused(asked) {
      paused = asked;
      takeOrWait();
    },
    isStoreAway: (error) => outage.isAway(error),
    waitsForStore: () => outage.away,
    longestBlockMs: () => Math.max(0, delay.max / 1e6 - DELAY_RESOLUTION_MS),
    async close() {
      clearInterval(heartbeat);
      await Promise.race([failures.settled(), sleep(NOTE_MS, undefined, { ref: false })]);
      takesNoMore = true;
      outage.close();
      inWork.abort();
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

/** What BullMQ is told of a failed attempt. Its message goes to Redis and to logs: one line without secrets. */
function attemptError(thrown: unknown): Error {
  if (thrown instanceof PermanentShardError) return permanent(thrown);
  if (thrown instanceof PosecastError) return thrown;
  const { code = 'error' } = toError(thrown) as NodeJS.ErrnoException;
  return new PosecastError(code, describeError(thrown), {}, thrown);
}

/** BullMQ's word for "do not try again". */
function permanent(thrown: Error): UnrecoverableError {
  const error = new UnrecoverableError(thrown.message);
  error.cause = thrown;
  return error;
}
