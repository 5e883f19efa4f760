/**
 * Works on one planned run from this process until it ends: what `posecast run` and `posecast work OUT` share.
 */
import type { Redis } from 'ioredis';
import type { ShardQueue } from '../shared/queue.ts';
import { readProgress } from '../shared/redisRuns.ts';
import type { Releasers } from '../shared/releasers.ts';
import type { ShardContext, ShardProgress } from '../worker/processShard.ts';
import { DEFAULT_MAX_REJECTED, openRejectWatch, type RejectReport } from '../worker/rejectWatch.ts';
import { type RunEnd, waitForRunEnd } from '../worker/runEnd.ts';
import { startRunWorker } from '../worker/work.ts';
import type { ControlFlags } from './controlOptions.ts';
import type { LiveLine } from './liveLine.ts';

export interface RunHereOptions {
  readonly redis: Redis;
  readonly queue: ShardQueue;
  readonly context: ShardContext;
  readonly live: LiveLine;
  readonly signal: AbortSignal;
  readonly releasers: Releasers;
  readonly control: ControlFlags;
}

/** How the work of this process on a run ends; the run itself may go on elsewhere. */
export type RunHereEnd =
  | RunEnd
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
  let inFlight: ShardProgress = { faces: 0, rejects: 0, variants: 0 };
  const { maxFailureRate } = options.control;
  const watch = await openRejectWatch(maxFailureRate, run, store);
  const tooMany = new AbortController();
  const worker = await startRunWorker({
    redis,
    context,
    warn: (line) => live.note(line),
    onInFlight: (progress) => {
      inFlight = progress;
    },
    onFaces: (results) => {
      if (watch.add(results)) tooMany.abort();
    },
  });
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
    });
  };
  const ending = AbortSignal.any([signal, tooMany.signal]);
  const finish = async (end: RunHereEnd): Promise<RunHereResult> => {
    await show();
    return { end, longestBlockMs: worker.longestBlockMs() };
  };
  try {
    return await finish(await waitForRunEnd({ queue, store, run, signal: ending, onLook: show }));
  } catch (error) {
    if (signal.aborted || !tooMany.signal.aborted) throw error;
    return finish({
      status: 'too-many-rejects',
      limit: maxFailureRate ?? DEFAULT_MAX_REJECTED,
      rejects: watch.report(),
    });
  }
}
