/**
 * Works on one planned run from this process until it ends: what `posecast run` and `posecast work OUT` share.
 */
import type { Redis } from 'ioredis';
import type { ShardQueue } from '../shared/queue.ts';
import { readProgress } from '../shared/redisRuns.ts';
import type { Releasers } from '../shared/releasers.ts';
import type { ShardContext, ShardProgress } from '../worker/processShard.ts';
import { type RunEnd, waitForRunEnd } from '../worker/runEnd.ts';
import { startRunWorker } from '../worker/work.ts';
import type { LiveLine } from './liveLine.ts';

export interface RunHereOptions {
  readonly redis: Redis;
  readonly queue: ShardQueue;
  readonly context: ShardContext;
  readonly live: LiveLine;
  readonly signal: AbortSignal;
  readonly releasers: Releasers;
}

export interface RunHereResult {
  readonly end: RunEnd;
  /** Longest time the thread that renews the locks was kept busy, in milliseconds. */
  readonly longestBlockMs: number;
}

/** Rejects with the signal's reason when stopped; shards in work have been handed back by then. */
export async function runHere(options: RunHereOptions): Promise<RunHereResult> {
  const { redis, queue, context, live, signal, releasers } = options;
  const { run, store } = context;
  let inFlight: ShardProgress = { faces: 0, rejects: 0, variants: 0 };
  const worker = await startRunWorker({
    redis,
    context,
    warn: (line) => live.note(line),
    onInFlight: (progress) => {
      inFlight = progress;
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
  const end = await waitForRunEnd({ queue, store, run, signal, onLook: show });
  await show();
  return { end, longestBlockMs: worker.longestBlockMs() };
}
