/** Puts a planned run to work: workers can find it, its progress shows what is committed, its shards are queued. */
import type { Redis } from 'ioredis';
import type { ShardQueue } from '../shared/redis/queue.ts';
import { claimFeeding } from '../shared/redis/runClaims.ts';
import { listRuns, registerRun } from '../shared/redis/runList.ts';
import { seedProgress } from '../shared/redis/runProgress.ts';
import { readRunShards } from '../shared/run/generations.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import { currentSpecs } from '../shared/run/runPlan.ts';
import type { RunShards } from '../shared/run/runShards.ts';
import { createRunTally, type RunTally } from '../shared/run/runTally.ts';
import { notedShards, removeShardFailures } from '../shared/run/shardFailure.ts';
import type { ShardSpec } from '../shared/shard.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import type { Tracing } from '../shared/tracing/tracing.ts';
import { type EnqueueProgress, enqueueShards, forgetFailed } from './enqueueShards.ts';

export interface FeedOptions {
  readonly redis: Redis;
  readonly queue: ShardQueue;
  readonly signal: AbortSignal;
  readonly onProgress?: (fed: EnqueueProgress) => void;
  /** Leaves shards alone that have failed for good, instead of trying them again. */
  readonly keepFailed?: boolean;
  /** Every shard that is queued starts a trace. */
  readonly tracing?: Tracing | undefined;
}

/** Returns when every shard without a commit is in the queue; with a long plan that takes as long as the run. */
export async function feedRun(
  run: RunFile,
  store: ObjectStore,
  options: FeedOptions,
): Promise<EnqueueProgress> {
  const { redis, queue, signal, onProgress, keepFailed = false, tracing } = options;
  // Before the commits are read, which takes long: a worker would take what failed for the end of the run.
  if (!keepFailed) await takeUpFailed(queue, store, signal);
  const { runShards, tally } = await seedRunProgress(redis, run, store, signal);
  await register(redis, run, store, runShards);
  return enqueueShards(queue, specs(), {
    committed: tally,
    signal,
    tracing,
    ...(onProgress && { onProgress }),
  });

  async function* specs(): AsyncGenerator<ShardSpec> {
    for await (const { spec } of currentSpecs(run, store, runShards, signal)) yield spec;
  }
}

async function register(redis: Redis, run: RunFile, store: ObjectStore, shards: RunShards): Promise<void> {
  const { runId, createdAt } = run;
  const generation = shards.generations.length;
  await registerRun(redis, { runId, createdAt, shards: shards.places, generation, out: store.uri });
}

/**
 * Puts a run that was forgotten on the list again, for a worker that is given its OUT: others find it, and what is left
 * of its queue does not end under it. An entry that is there stays as it is.
 */
export async function registerAgain(redis: Redis, run: RunFile, store: ObjectStore): Promise<void> {
  if ((await listRuns(redis)).some(({ runId }) => runId === run.runId)) return;
  await register(redis, run, store, await readRunShards(store, run));
}

/** Lets shards be queued again that have failed for good: from now on they are not given up, for whoever looks. */
export async function takeUpFailed(
  queue: ShardQueue,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<void> {
  const noted = await notedShards(store, signal);
  // Before the notes go: while Redis is away they are all that says what failed, and why.
  await forgetFailed(queue);
  await removeShardFailures(store, (shard) => noted.has(shard), signal);
}

/** Counts every commit, and says what they add up to; returns what it went by. */
export async function seedRunProgress(
  redis: Redis,
  run: RunFile,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<{ readonly runShards: RunShards; readonly tally: RunTally }> {
  const runShards = await readRunShards(store, run, signal);
  const tally = createRunTally(runShards, store);
  await tally.refresh(signal);
  const { faces, rejected: rejects, variants } = tally.counters;
  await seedProgress(redis, run.runId, { shardsDone: tally.shardsDone, faces, rejects, variants });
  return { runShards, tally };
}

/** Between two attempts to feed an empty queue, by whichever process. */
const FEED_AGAIN_MS = 30_000;

/**
 * Queues what is neither committed nor failed, unless another process does so already: every worker of a run may notice
 * that its queue is empty.
 */
export async function feedAgain(
  run: RunFile,
  store: ObjectStore,
  options: Omit<FeedOptions, 'keepFailed'>,
): Promise<void> {
  if (!(await claimFeeding(options.redis, run.runId, FEED_AGAIN_MS))) return;
  await feedRun(run, store, { ...options, keepFailed: true });
}
