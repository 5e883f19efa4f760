/**
 * Works on one planned run from this process until it ends: what `posecast run` and `posecast work OUT` share.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { feedAgain } from '../producer/feedRun.ts';
import { createBell } from '../shared/bell.ts';
import { describeError, PosecastError, StoreUnusableError, ThreadDiedError } from '../shared/errors.ts';
import { warnings } from '../shared/logFields.ts';
import type { ShardQueue } from '../shared/queue.ts';
import { claimFinish } from '../shared/redisRuns/runClaims.ts';
import { readProgress } from '../shared/redisRuns/runProgress.ts';
import type { Releasers } from '../shared/releasers.ts';
import { openConsumptionWatch } from '../worker/consumptionWatch.ts';
import { openEmptyQueueWatch } from '../worker/emptyQueueWatch.ts';
import { openPauseWatch } from '../worker/pauseWatch.ts';
import {
  DEFAULT_MAX_REJECTED,
  openRejectWatch,
  type RejectReport,
  rejectsOfSmallRun,
} from '../worker/rejectWatch.ts';
import { type RunEnd, waitForRunEnd } from '../worker/runEnd.ts';
import type { ShardContext } from '../worker/shardContext.ts';
import type { ShardProgress } from '../worker/shardProgress.ts';
import { startRunWorker } from '../worker/work.ts';
import type { ControlFlags } from './controlOptions.ts';
import { formatMoment } from './deadline.ts';
import { EXIT } from './exit.ts';
import type { LiveLine } from './liveLine.ts';
import type { Observation } from './observeOptions.ts';

export interface RunHereOptions {
  readonly redis: Redis;
  readonly queue: ShardQueue;
  readonly context: ShardContext;
  readonly live: LiveLine;
  readonly observation: Observation;
  readonly signal: AbortSignal;
  readonly releasers: Releasers;
  readonly control: ControlFlags;
  /** The command line that ends a pause. */
  readonly resumeCommand: string;
  /** Ends when the run is paused, instead of waiting for it to go on: there may be other runs to work on. */
  readonly leaveWhenPaused?: boolean;
  /** When it is aborted, shards that fit into the time are finished, the others are handed back, and that is the end. */
  readonly drain?: { readonly notice: AbortSignal; readonly graceMs: number };
  /** Hears of every sign of consumption. */
  readonly onAlive?: () => void;
}

/** How the work of this process on a run ends; the run itself may go on elsewhere. */
export type RunHereEnd =
  | RunEnd
  /** Only with `leaveWhenPaused`. */
  | { readonly status: 'paused' }
  /** Only with `drain`. */
  | { readonly status: 'drained' }
  /** OUT takes nothing more until somebody does something, or a thread of this process is dead. */
  | {
      readonly status: 'store-unusable' | 'thread-died';
      readonly code: string;
      readonly message: string;
    }
  /** `deadline`: ISO 8601. */
  | { readonly status: 'deadline'; readonly deadline: string }
  | { readonly status: 'too-many-rejects'; readonly limit: number; readonly rejects: RejectReport };

export interface RunHereResult {
  readonly end: RunHereEnd;
  /** Longest time the thread that renews the locks was kept busy, in milliseconds. */
  readonly longestBlockMs: number;
}

const JUDGE_EVERY_MS = 200;
const LAST_SHOW_MS = 1_000;
const STUCK_EXIT_MS = 10_000;

function unusable(error: StoreUnusableError | ThreadDiedError): RunHereEnd {
  const status = error instanceof ThreadDiedError ? 'thread-died' : 'store-unusable';
  return { status, code: error.code, message: describeError(error) };
}

function notConsuming(quietMs: number, inWork: number): PosecastError {
  return new PosecastError('not-consuming', 'worker: requested no job and made no progress; restart it', {
    seconds: Math.round(quietMs / 1_000),
    shardsInWork: inWork,
  });
}

/**
 * Rejects with the signal's reason when stopped. Shards in work are handed back before it resolves, and else when the
 * releasers run.
 */
export async function runHere(options: RunHereOptions): Promise<RunHereResult> {
  const { redis, queue, context, live, observation, signal, releasers } = options;
  const { run, store } = context;
  const { maxFailureRate: maxRejectedShare, deadline } = options.control;
  /** A shard was handed back because it could not be finished in time. */
  let outOfTime = false;
  let inFlight: ShardProgress = { faces: 0, rejects: 0, variants: 0 };
  let early: RunHereEnd | undefined;
  const ending = new AbortController();
  const endWith = (end: RunHereEnd): void => {
    early ??= end;
    ending.abort();
  };
  const endWithRejects = (rejects: RejectReport): void =>
    endWith({ status: 'too-many-rejects', limit: maxRejectedShare ?? DEFAULT_MAX_REJECTED, rejects });
  let failure: PosecastError | undefined;
  const failWith = (error: PosecastError): void => {
    failure = error;
    ending.abort();
    // What is stuck may also keep the shards from being handed back.
    setTimeout(() => {
      live.note(`posecast: ${error.message}`, { level: 'error', code: error.code });
      process.exit(EXIT.failures);
    }, STUCK_EXIT_MS).unref();
  };
  const extent = await context.plan.extent();
  const rejects = await openRejectWatch(maxRejectedShare, run, store);
  const sayPause = (paused: boolean) =>
    live.note(paused ? `paused; to go on: ${options.resumeCommand}` : 'not paused any more');
  let setPaused = (_: boolean): void => {};
  const pause = await openPauseWatch(run, store, (paused) => {
    setPaused(paused);
    sayPause(paused);
  });
  releasers.push('pause watch', () => pause.close());
  if (pause.paused) sayPause(true);
  if (deadline !== undefined) live.note(`no shard is started that would end after ${formatMoment(deadline)}`);
  const observer = observation.observer(live.note);
  const shardEnds = createBell();
  const telemetry = observation.tracing?.queue;
  const worker = startRunWorker({
    redis,
    context,
    paused: pause.paused,
    warn: warnings(live.note),
    observer,
    onShardEnd: () => shardEnds.ring(),
    ...(telemetry && { telemetry }),
    onInFlight: (progress) => {
      inFlight = progress;
    },
    ...(deadline && {
      mayStart: (estimateMs) => {
        outOfTime ||= Date.now() + (estimateMs ?? 0) >= deadline.getTime();
        return !outOfTime;
      },
    }),
    onUnusable: (error) => endWith(unusable(error)),
    onFaces: (results) => {
      if (rejects.add(results)) endWithRejects(rejects.report());
    },
  });
  let closing: Promise<void> | undefined;
  const closeWorker = () => (closing ??= worker.close());
  releasers.push('worker', closeWorker);
  const unwatch = observation.watchRun({
    runId: run.runId,
    shardsInWork: () => worker.inWork(),
    paused: () => pause.paused,
    storeAway: () => worker.waitsForStore(),
    consumedAt: () => worker.consumedAt(),
  });
  releasers.push('run in the metrics', unwatch);
  setPaused = (paused) => worker.setPaused(paused);
  setPaused(pause.paused);
  const watch = openConsumptionWatch({
    consumedAt: () => worker.consumedAt(),
    excuse: () => {
      if (redis.status !== 'ready') return 'no-redis';
      if (worker.waitsForStore() !== undefined) return 'no-store';
      return pause.paused && worker.inWork() === 0 ? 'paused' : undefined;
    },
    limitMs: options.control.stuckAfter * 1_000,
    onStuck: (quietMs) => failWith(notConsuming(quietMs, worker.inWork())),
    ...(options.onAlive && { onAlive: options.onAlive }),
  });
  releasers.push('consumption watch', () => watch.close());

  const show = async (): Promise<void> => {
    const done = await readProgress(redis, run.runId);
    live.update({
      shardsDone: done.shardsDone,
      shardsTotal: extent.shards,
      faces: done.faces + inFlight.faces,
      facesTotal: extent.faces,
      rejects: done.rejects + inFlight.rejects,
      variants: done.variants + inFlight.variants,
      ...(pause.paused && { paused: true }),
    });
  };
  /** The last step of the run is under way here. */
  let finishing = false;
  const claim = async () => {
    // Before the claim, which keeps all others from the last step.
    const tooMany = await rejectsOfSmallRun(maxRejectedShare, run, store);
    if (tooMany !== undefined) {
      endWithRejects(tooMany);
      return undefined;
    }
    const done = await claimFinish(redis, run.runId);
    if (done === undefined) return undefined;
    finishing = true;
    return () => {
      finishing = false;
      return done();
    };
  };
  let drainedBy = Infinity;
  const lastLook = new AbortController();
  const drain = (graceMs: number): void => {
    const { finishing, handedBack } = worker.drain(graceMs);
    drainedBy = performance.now() + graceMs;
    live.note(`shards in work: ${finishing} to be finished, ${handedBack} handed back`);
  };
  // Apart from the looks at Redis, which may be away.
  const judge = (): void => {
    const { notice, graceMs } = options.drain ?? {};
    if (notice?.aborted && drainedBy === Infinity) drain(graceMs ?? 0);
    const isIdle = worker.inWork() === 0 && !finishing;
    const isOver = performance.now() >= drainedBy;
    if (isOver) lastLook.abort();
    if (isOver || (drainedBy < Infinity && isIdle)) endWith({ status: 'drained' });
    if (
      deadline !== undefined &&
      (Date.now() >= deadline.getTime() || (outOfTime && worker.inWork() === 0))
    ) {
      endWith({ status: 'deadline', deadline: deadline.toISOString() });
    }
    if (options.leaveWhenPaused === true && pause.paused && isIdle) endWith({ status: 'paused' });
  };
  const judging = setInterval(judge, JUDGE_EVERY_MS);
  releasers.push('judging', () => clearInterval(judging));
  const emptyQueue = openEmptyQueueWatch((signal) =>
    feedAgain(run, store, { redis, queue, signal, tracing: observation.tracing }),
  );
  releasers.push('empty queue watch', () => emptyQueue.close());
  const wait = async (stop: AbortSignal, onLook: () => Promise<void>): Promise<RunHereEnd> => {
    try {
      return await waitForRunEnd({
        queue,
        store,
        run,
        signal: AbortSignal.any([signal, stop]),
        shardEnds,
        onLook,
        isStoreAway: worker.isStoreAway,
        claimFinish: claim,
        emptyQueue,
        onQueueDepth: (depth) => observer.queueDepth?.(depth),
      });
    } catch (error) {
      if (!signal.aborted && error instanceof StoreUnusableError) return unusable(error);
      if (signal.aborted || failure !== undefined) throw failure ?? error;
      if (early === undefined) throw error;
      return early;
    }
  };
  /** Whether it is, or is made so, as of a look that begins now. */
  const isCompleteNow = async (): Promise<boolean> => {
    // One that is away is not waited for.
    if (redis.status !== 'ready') return false;
    let looks = 0;
    const onLook = async () => {
      if (looks++ > 0) lastLook.abort();
    };
    return (await wait(lastLook.signal, onLook)).status === 'complete';
  };
  let end = await wait(ending.signal, show);
  // A commit that is under way now counts: what is said of the run afterwards is read from its commits.
  if (end.status !== 'complete') await closeWorker();
  // The last shard of the run may have ended here after the last look.
  if ((end.status === 'drained' || end.status === 'paused') && (await isCompleteNow())) {
    end = { status: 'complete' };
  }
  // Without the last numbers when Redis is away.
  await Promise.race([show(), sleep(LAST_SHOW_MS, undefined, { ref: false })]);
  return { end, longestBlockMs: worker.longestBlockMs() };
}
