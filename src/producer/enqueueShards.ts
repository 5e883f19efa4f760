/**
 * Feeds the shards of a plan into the queue, at most a high-water mark ahead of the workers: Redis holds a few
 * thousand small jobs, however long the plan is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { jobId, SHARD_JOB, type ShardQueue } from '../shared/redis/queue.ts';
import type { ShardSpec } from '../shared/shard.ts';
import type { Tracing } from '../shared/tracing/tracing.ts';

/** Jobs sent to Redis in one call. */
export const JOBS_AT_ONCE = 500;

/**
 * BullMQ forgets jobs by their age. By this clock, a job that another machine ended may have ended in the future: all
 * of 285,000 years.
 */
const ANY_AHEAD_MS = Number.MAX_SAFE_INTEGER;

export interface EnqueueOptions {
  /** Shards that have a commit: they are skipped. */
  readonly committed: { has(index: number): boolean };
  /** Jobs that may wait for a worker at a time. */
  readonly highWater?: number;
  /** Between two looks at a full queue, in milliseconds. */
  readonly pollMs?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (fed: EnqueueProgress) => void;
  readonly tracing?: Tracing | undefined;
}

export interface EnqueueProgress {
  /** Shards given to the queue. */
  readonly queued: number;
  /** Those whose job the queue had when feeding began: waiting, in work, to be tried again, or failed. */
  readonly held: number;
  /** Skipped because they have a commit. */
  readonly skipped: number;
}

/**
 * Queues every shard that has no commit, but for those that have failed for good; returns when all are queued. A second
 * call adds nothing twice.
 */
export async function enqueueShards(
  queue: ShardQueue,
  shards: AsyncIterable<ShardSpec>,
  options: EnqueueOptions,
): Promise<EnqueueProgress> {
  const { committed, highWater = 2_000, pollMs = 500, signal, onProgress, tracing } = options;
  await forgetJobs(queue, 'completed');
  const held = await heldJobs(queue);
  const progress = { queued: 0, held: 0, skipped: 0 };
  let chunk: ShardSpec[] = [];
  const chunkSize = Math.min(JOBS_AT_ONCE, highWater);

  const send = async (): Promise<void> => {
    if (chunk.length === 0) return;
    while ((await waiting(queue)) + chunk.length > highWater) {
      await sleep(pollMs, undefined, signal ? { signal } : {});
    }
    await sendShards(queue, chunk, tracing);
    const known = chunk.filter(({ index }) => held.has(jobId(index))).length;
    progress.queued += chunk.length - known;
    progress.held += known;
    chunk = [];
    onProgress?.({ ...progress });
  };

  for await (const spec of shards) {
    signal?.throwIfAborted();
    if (committed.has(spec.index)) {
      progress.skipped++;
      continue;
    }
    chunk.push(spec);
    if (chunk.length >= chunkSize) await send();
  }
  await send();
  return progress;
}

/** In one call to Redis; those that the queue has are not added again. */
export async function sendShards(
  queue: ShardQueue,
  shards: readonly ShardSpec[],
  tracing: Tracing | undefined,
): Promise<void> {
  const spans = shards.map((spec) => tracing?.enqueue(spec));
  await queue.addBulk(
    shards.map((spec, i) => {
      const metadata = spans[i]?.metadata;
      const telemetry = metadata === undefined ? {} : { telemetry: { metadata } };
      return { name: SHARD_JOB, data: spec, opts: { jobId: jobId(spec.index), ...telemetry } };
    }),
  );
  for (const span of spans) span?.end();
}

/** Ids of jobs that have not ended well; a high-water mark of them, and those that failed. */
async function heldJobs(queue: ShardQueue): Promise<ReadonlySet<string>> {
  return new Set(await queue.getRanges(['wait', 'prioritized', 'active', 'delayed', 'failed'], 0, -1));
}

async function waiting(queue: ShardQueue): Promise<number> {
  const counts = await queue.getJobCounts('wait', 'delayed', 'prioritized');
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Lets shards be queued again that have failed for good. */
export function forgetFailed(queue: ShardQueue): Promise<void> {
  return forgetJobs(queue, 'failed');
}

/**
 * Removes jobs that ended: with them in place, adding their shard again would do nothing, and a shard without a commit
 * has to run whatever the queue remembers of it.
 */
async function forgetJobs(queue: ShardQueue, state: 'failed' | 'completed'): Promise<void> {
  while ((await queue.clean(-ANY_AHEAD_MS, 1_000, state)).length > 0);
}
