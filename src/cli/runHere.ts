/**
 * Works on one planned run from this process until it ends: what `posecast run` and `posecast work OUT` share.
 */
import type { Redis } from 'ioredis';
import type { ShardQueue } from '../shared/queue.ts';
import { readProgress } from '../shared/redisRuns.ts';
import type { Releasers } from '../shared/releasers.ts';
import { openPauseWatch } from '../worker/pauseWatch.ts';
import type { ShardContext, ShardProgress } from '../worker/processShard.ts';
import { DEFAULT_MAX_REJECTED, openRejectWatch, type RejectReport } from '../worker/rejectWatch.ts';
import { type RunEnd, waitForRunEnd } from '../worker/runEnd.ts';
import { startRunWorker } from '../worker/work.ts';
import type { ControlFlags } from './controlOptions.ts';
import { formatMoment } from './deadline.ts';
import type { LiveLine } from './liveLine.ts';

export interface RunHereOptions {
  readonly redis: Redis;
  readonly queue: ShardQueue;
  readonly context: ShardContext;
  readonly live: LiveLine;
  readonly signal: AbortSignal;
  readonly releasers: Releasers;
  readonly control: ControlFlags;
  /** Ends when the run is paused, instead of waiting for it to go on: there may be other runs to work on. */
  readonly leaveWhenPaused?: boolean;
}

/** How the work of this process on a run ends; the run itself may go on elsewhere. */
export type RunHereEnd =
  | RunEnd
  /** Only with `leaveWhenPaused`. */
  | { readonly status: 'paused' }
  /** `deadline`: ISO 8601. */
  | { readonly status: 'deadline'; readonly deadline: string }
  | { readonly status: 'too-many-rejects'; readonly limit: number; readonly rejects: RejectReport };

export interface RunHereResult {
  readonly end: RunHereEnd;
  /** Longest time the thread that renews the locks was kept busy, in milliseconds. */
  readonly longestBlockMs: number;
}

/**
 * Rejects with the signal's reason when stopped. Shards in work are handed back when the releasers run, whatever the
 * end.
 */
export async function runHere(options: RunHereOptions): Promise<RunHereResult> {
  const { redis, queue, context, live, signal, releasers } = options;
  const { run, store } = context;
  const { maxFailureRate, deadline } = options.control;
  /** A shard was handed back because it could not be finished in time. */
  let outOfTime = false;
  let inFlight: ShardProgress = { faces: 0, rejects: 0, variants: 0 };
  let early: RunHereEnd | undefined;
  const ending = new AbortController();
  const endWith = (end: RunHereEnd): void => {
    early ??= end;
    ending.abort();
  };
  const rejects = await openRejectWatch(maxFailureRate, run, store);
  const sayPause = (paused: boolean) =>
    live.note(paused ? `paused; to go on: posecast resume ${store.uri}` : 'not paused any more');
  let setPaused = (_: boolean): void => {};
  const pause = await openPauseWatch(run, store, (paused) => {
    setPaused(paused);
    sayPause(paused);
  });
  releasers.push('pause watch', () => pause.close());
  if (pause.paused) sayPause(true);
  if (deadline !== undefined) live.note(`no shard is started that would end after ${formatMoment(deadline)}`);
  const worker = await startRunWorker({
    redis,
    context,
    paused: pause.paused,
    warn: (line) => live.note(line),
    onInFlight: (progress) => {
      inFlight = progress;
    },
    ...(deadline && {
      mayStart: (estimateMs) => {
        outOfTime ||= Date.now() + (estimateMs ?? 0) >= deadline.getTime();
        return !outOfTime;
      },
    }),
    onFaces: (results) => {
      if (!rejects.add(results)) return;
      const limit = maxFailureRate ?? DEFAULT_MAX_REJECTED;
      endWith({ status: 'too-many-rejects', limit, rejects: rejects.report() });
    },
  });
  setPaused = (paused) => worker.setPaused(paused);
  setPaused(pause.paused);
  releasers.push('worker', () => worker.close());

  const show = async (): Promise<void> => {
    const done = await readProgress(redis, run.runId);
    live.update({
      shardsDone: done.shardsDone,
      shardsTotal: run.shards,
      faces: done.faces + inFlight.faces,
      facesTotal: run.corpus.faces,
      rejects: done.rejects + inFlight.rejects,
      variants: done.variants + inFlight.variants,
      ...(pause.paused && { paused: true }),
    });
  };
  const look = async (): Promise<void> => {
    if (
      deadline !== undefined &&
      (Date.now() >= deadline.getTime() || (outOfTime && worker.inWork() === 0))
    ) {
      endWith({ status: 'deadline', deadline: deadline.toISOString() });
    }
    if (options.leaveWhenPaused === true && pause.paused && worker.inWork() === 0) {
      endWith({ status: 'paused' });
    }
    await show();
  };
  const wait = async (): Promise<RunHereEnd> => {
    try {
      const either = AbortSignal.any([signal, ending.signal]);
      return await waitForRunEnd({ queue, store, run, signal: either, onLook: look });
    } catch (error) {
      if (signal.aborted || early === undefined) throw error;
      return early;
    }
  };
  const end = await wait();
  await show();
  return { end, longestBlockMs: worker.longestBlockMs() };
}
