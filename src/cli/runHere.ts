/**
 * Works on one planned run from this process until it ends: what `posecast run` and `posecast work OUT` share.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { feedAgain } from '../producer/feedRun.ts';
import { createInterruptibleWait } from '../shared/async/interruptibleWait.ts';
import type { Releasers } from '../shared/async/releasers.ts';
import { PosecastError } from '../shared/errors.ts';
import type { ShardQueue } from '../shared/redis/queue.ts';
import { readProgress } from '../shared/redis/runProgress.ts';
import { warnings } from '../shared/text/logFields.ts';
import { openConsumptionWatch } from '../worker/queue/consumptionWatch.ts';
import { openEmptyQueueWatch } from '../worker/queue/emptyQueueWatch.ts';
import { openPauseWatch } from '../worker/queue/pauseWatch.ts';
import { NO_PROGRESS } from '../worker/queue/shardProgress.ts';
import { DEFAULT_MAX_REJECTED, openRejectWatch, type RejectReport } from '../worker/rejectWatch.ts';
import { waitForRunEnd } from '../worker/runEnd.ts';
import type { ShardContext } from '../worker/shardContext.ts';
import { startRunWorker } from '../worker/work.ts';
import { formatMoment } from './deadline.ts';
import { createEndOfWork, type RunHereEnd, unusable } from './endOfWork.ts';
import { EXIT } from './exit.ts';
import { createFinishClaim } from './finishClaim.ts';
import type { ControlFlags } from './options/controlOptions.ts';
import type { Observation } from './options/observeOptions.ts';
import type { LiveLine } from './output/liveLine.ts';
import { progressOf } from './output/progressOf.ts';

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
  /**
   * When it is aborted, shards that fit into the time are finished, the others are handed back, and that is the end.
   */
  readonly drain?: { readonly notice: AbortSignal; readonly graceMs: number };
  /** Hears of every sign of consumption. */
  readonly onAlive?: () => void;
}

export interface RunHereResult {
  readonly end: RunHereEnd;
  /** Longest time the thread that renews the locks was kept busy, in milliseconds. */
  readonly longestBlockMs: number;
}

const JUDGE_EVERY_MS = 200;
const LAST_SHOW_MS = 1_000;
const STUCK_EXIT_MS = 10_000;

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
  const work = createEndOfWork({
    stop: signal,
    deadline,
    leaveWhenPaused: options.leaveWhenPaused === true,
  });
  const endWithRejects = (rejects: RejectReport): void =>
    work.endWith({ status: 'too-many-rejects', limit: maxRejectedShare ?? DEFAULT_MAX_REJECTED, rejects });
  const extent = await context.plan.extent();
  const rejects = await openRejectWatch(maxRejectedShare, run, store);
  const sayPause = (paused: boolean) =>
    live.note(paused ? `paused; to go on: ${options.resumeCommand}` : 'not paused any more');
  const pause = await openPauseWatch(run, store, (paused) => {
    worker.setPaused(paused);
    sayPause(paused);
  });
  releasers.push('pause watch', () => pause.close());
  if (pause.paused) sayPause(true);
  if (deadline !== undefined) live.note(`no shard is started that would end after ${formatMoment(deadline)}`);
  const observer = observation.observer(live.note);
  const betweenLooks = createInterruptibleWait();
  const telemetry = observation.tracing?.queue;
  let inFlight = NO_PROGRESS;
  const worker = startRunWorker({
    redis,
    context,
    paused: pause.paused,
    warn: warnings(live.note),
    observer,
    onShardEnd: () => betweenLooks.interrupt(),
    ...(telemetry && { telemetry }),
    onInFlight: (progress) => {
      inFlight = progress;
    },
    mayStart: work.mayStart,
    onUnusable: (error) => work.endWith(unusable(error)),
    onFaces: (results, attempt) => {
      if (rejects.add(results, attempt)) endWithRejects(rejects.report());
    },
    onAttemptEnd: rejects.end,
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
  worker.setPaused(pause.paused);
  const watch = openConsumptionWatch({
    consumedAt: () => worker.consumedAt(),
    excuse: () => {
      if (redis.status !== 'ready' || worker.isRefused()) return 'no-redis';
      if (worker.waitsForStore() !== undefined) return 'no-store';
      return pause.paused && worker.inWork() === 0 ? 'paused' : undefined;
    },
    limitMs: options.control.stuckAfter * 1_000,
    onStuck: (quietMs) => {
      const error = notConsuming(quietMs, worker.inWork());
      work.failWith(error);
      exitIfStuck(error, live);
    },
    ...(options.onAlive && { onAlive: options.onAlive }),
  });
  releasers.push('consumption watch', () => watch.close());
  const finish = createFinishClaim({
    redis,
    run,
    store,
    maxRejectedShare,
    onTooManyRejects: endWithRejects,
  });
  // Apart from the looks at Redis, which may be away.
  const judging = setInterval(() => {
    const { notice, graceMs = 0 } = options.drain ?? {};
    if (notice?.aborted && work.drainWithin(graceMs)) {
      const { finishing, handedBack } = worker.drain(graceMs);
      live.note(`shards in work: ${finishing} to be finished, ${handedBack} handed back`);
    }
    work.judge({ inWork: worker.inWork(), paused: pause.paused, finishing: finish.held });
  }, JUDGE_EVERY_MS);
  releasers.push('judging', () => clearInterval(judging));
  const emptyQueue = openEmptyQueueWatch((signal) =>
    feedAgain(run, store, { redis, queue, signal, tracing: observation.tracing }),
  );
  releasers.push('empty queue watch', () => emptyQueue.close());
  const show = async (): Promise<void> => {
    const done = await readProgress(redis, run.runId);
    live.update(progressOf(done, inFlight, extent, pause.paused));
  };
  const wait = async (ending: AbortSignal, onLook: () => Promise<void>): Promise<RunHereEnd> => {
    try {
      return await waitForRunEnd({
        redis,
        queue,
        store,
        run,
        signal: AbortSignal.any([signal, ending]),
        betweenLooks,
        onLook,
        isStoreAway: worker.isStoreAway,
        warn: (line) => live.note(line, { level: 'warn' }),
        claimFinish: finish.claim,
        emptyQueue,
        onQueueDepth: (depth) => observer.queueDepth?.(depth),
      });
    } catch (error) {
      return work.endOf(error);
    }
  };
  /** Whether it is, or is made so, as of a look that begins now. */
  const isCompleteNow = async (): Promise<boolean> => {
    // One that is away is not waited for.
    if (redis.status !== 'ready') return false;
    const looked = new AbortController();
    let looks = 0;
    const onLook = async () => {
      if (looks++ > 0) looked.abort();
    };
    const { status } = await wait(AbortSignal.any([looked.signal, work.drainOver]), onLook);
    return status === 'complete';
  };
  let end = await wait(work.signal, show);
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

/** What is stuck may also keep the shards from being handed back. */
function exitIfStuck(error: PosecastError, live: LiveLine): void {
  setTimeout(() => {
    live.note(`posecast: ${error.message}`, { level: 'error', code: error.code });
    process.exit(EXIT.failures);
  }, STUCK_EXIT_MS).unref();
}
