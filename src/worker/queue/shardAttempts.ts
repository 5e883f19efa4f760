/** The attempts of shards in this process, each from the job that BullMQ hands out to what becomes of it. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Job, WaitingError } from 'bullmq';
import type { Redis } from 'ioredis';
import { type StoreUnusableError, ThreadDiedError } from '../../shared/errors.ts';
import { countDeath, requireShardJob } from '../../shared/redis/queue.ts';
import { addProgress } from '../../shared/redis/runProgress.ts';
import type { ShardSpec } from '../../shared/shard.ts';
import { processShard } from '../processShard.ts';
import type { ShardContext } from '../shardContext.ts';
import { openStopwatch, type Stopwatch } from '../stopwatch.ts';
import type { FaceResult } from '../tables/shardTables.ts';
import type { AttemptResult, WorkObserver } from '../workObserver.ts';
import { type AfterFailure, afterFailure } from './afterFailure.ts';
import { createAloneTurns } from './aloneTurns.ts';
import type { ShardIntake } from './shardIntake.ts';
import { createShardPace } from './shardPace.ts';
import { type ShardProgress, sumProgress } from './shardProgress.ts';
import { createShardsInWork, type ShardInWork, type ShardsInWork } from './shardsInWork.ts';
import type { ShardWorker } from './shardWorker.ts';

/** What whoever starts a worker is asked and told of the attempts. */
export interface AttemptListeners {
  /**
   * Asked before a shard is started, with the milliseconds it will take as far as that is known. False: it is handed
   * back to the queue, and no other is taken.
   */
  readonly mayStart?: (estimateMs: number | undefined) => boolean;
  /** Faces and variants done by this process in shards that are not committed yet. */
  readonly onInFlight?: (inFlight: ShardProgress) => void;
  /** Photographs as they are done; `attempt` tells those of one attempt of a shard from those of the next. */
  readonly onFaces?: (results: readonly FaceResult[], attempt: object) => void;
  /** An attempt is over, whatever came of it. */
  readonly onAttemptEnd?: (attempt: object, isCommitted: boolean) => void;
  /**
   * Nothing more can be written to OUT, or computed here. Shards go back to the queue unburnt, and no other is taken.
   */
  readonly onUnusable?: (error: StoreUnusableError | ThreadDiedError) => void;
  /** Hears of everything; for metrics, traces and logs. */
  readonly observer?: WorkObserver;
}

export interface ShardAttemptsOptions extends AttemptListeners {
  readonly redis: Redis;
  readonly context: ShardContext;
  readonly observer: WorkObserver;
  readonly worker: ShardWorker;
  /** Shards in work at once, but for one that must be alone. */
  readonly concurrency: number;
  readonly intake: ShardIntake;
  /** Hears that Redis refuses; throws any other error. */
  readonly refused: (error: unknown) => void;
}

export interface ShardAttempts {
  /** BullMQ's job function. What it throws ends the attempt: a WaitingError unburnt, anything else as failed. */
  attempt(job: ShardJob, token: string | undefined): Promise<string>;
  readonly inWork: ShardsInWork;
  /** By `performance.now()`: when a shard last made progress. */
  progressAt(): number;
  /** Longest time this thread was kept from renewing locks while it held one, in milliseconds. */
  longestBlockMs(): number;
}

type ShardJob = Job<unknown, unknown>;
type HandBack = Extract<AfterFailure, { readonly kind: 'hand-back' }>;

/** Samples of the event loop's delay are taken this often; the histogram's figures include it. */
const DELAY_RESOLUTION_MS = 5;

export function createShardAttempts(options: ShardAttemptsOptions): ShardAttempts {
  const { redis, context, observer, worker, concurrency, intake, refused } = options;
  const { runId } = context.run;
  const pace = createShardPace();
  const inWork = createShardsInWork(pace);
  const aloneTurns = createAloneTurns({
    onMayOverlap(mayOverlap) {
      // What is handed back would be handed out again at once.
      worker.concurrency = mayOverlap ? concurrency : 1;
    },
  });
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  let progressAt = performance.now();
  let threadDied = false;

  async function attempt(job: ShardJob, token: string | undefined): Promise<string> {
    const shard = inWork.start();
    const stopwatch = openStopwatch();
    let spec: ShardSpec | undefined;
    let result: AttemptResult = { outcome: 'handed-back' };
    delay.enable();
    if (job.attemptsStarted === 1 && job.processedOn !== undefined) {
      observer.queueWait?.(Math.max(0, job.processedOn - job.timestamp) / 1_000);
    }
    try {
      const mayEnter = await aloneTurns.enter(job.stalledCounter > 0, shard.signal);
      spec = requireShardJob(job);
      shard.setFaces(facesOf(spec));
      if (!mayEnter || !mayStart(spec)) return await handBack(job, token);
      result = await carryOut(spec, shard, stopwatch);
      return result.outcome;
    } catch (error) {
      if (error instanceof WaitingError) throw error;
      if (error instanceof ThreadDiedError) noteThreadDeath(error);
      const circumstances = { threadDied, toldToStop: shard.signal.aborted, isStoreAway: intake.isStoreAway };
      const after = await afterFailure(error, circumstances);
      if (after.kind === 'hand-back') return await handBackAfter(after, job, token);
      result = { outcome: 'failed', failure: after.failure };
      // Failed jobs are read again, to be reported: by then the payload must be JSON.
      if (after.isBadJob) await job.updateData(null);
      throw after.error;
    } finally {
      progressAt = performance.now();
      aloneTurns.leave();
      options.onAttemptEnd?.(shard, result.outcome === 'committed');
      const seconds = shard.elapsedMs() / 1_000;
      const times = { seconds, stages: stopwatch.spans(), stagesMs: stopwatch.measured() };
      observer.shardEnded?.({ runId, ...(spec && { spec }), ...times, ...result });
      shard.end();
      if (inWork.size() === 0) delay.disable();
      reportInFlight();
    }
  }

  function mayStart(spec: ShardSpec): boolean {
    // One that was asked for before the pause comes after it.
    if (!intake.isOpen()) return false;
    if (options.mayStart?.(pace.estimate(facesOf(spec))) !== false) return true;
    intake.takeNoMore();
    return false;
  }

  async function carryOut(spec: ShardSpec, shard: ShardInWork, stopwatch: Stopwatch): Promise<AttemptResult> {
    let result: AttemptResult = { outcome: 'taken' };
    const outcome = await processShard(spec, context, {
      signal: shard.signal,
      onProgress(done) {
        progressAt = performance.now();
        shard.add(done);
        observer.progress?.(done);
        reportInFlight();
      },
      onFaces(results) {
        observer.faces?.(results, spec);
        options.onFaces?.(results, shard);
      },
      stopwatch,
      observer,
      onCommitted(counters, rejectsByCode) {
        result = { outcome: 'committed', counters, rejectsByCode };
      },
    });
    if (outcome === 'committed') {
      pace.add({ faces: facesOf(spec), ms: shard.elapsedMs() });
      // A hint for live lines: a shard that is committed is not kept from ending by a Redis that is away.
      void addProgress(redis, runId, { ...shard.done(), shardsDone: 1 }).catch(() => {});
    }
    return result;
  }

  async function handBackAfter(reason: HandBack, job: ShardJob, token: string | undefined): Promise<never> {
    switch (reason.because) {
      case 'thread-died':
        // Nobody knows which of those in work it was.
        await countDeath(redis, worker.toKey(job.id ?? ''), token);
        break;
      case 'store-unusable':
        intake.takeNoMore();
        options.onUnusable?.(reason.error);
        break;
      case 'told-to-stop':
      case 'store-away':
        break;
    }
    return handBack(job, token);
  }

  async function handBack(job: ShardJob, token: string | undefined): Promise<never> {
    // Not taken back, it is handed out again when its lock has run out.
    await job.moveToWait(token).catch(refused);
    throw new WaitingError();
  }

  /** The first one ends the work here; the others are its consequence. */
  function noteThreadDeath(error: ThreadDiedError): void {
    if (threadDied) return;
    threadDied = true;
    intake.takeNoMore();
    options.onUnusable?.(error);
  }

  function reportInFlight(): void {
    options.onInFlight?.(sumProgress(inWork.progress()));
  }

  return {
    attempt,
    inWork,
    progressAt: () => progressAt,
    longestBlockMs: () => Math.max(0, delay.max / 1e6 - DELAY_RESOLUTION_MS),
  };
}

function facesOf({ rowStart, rowEnd }: ShardSpec): number {
  return rowEnd - rowStart;
}
