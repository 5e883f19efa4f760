/** Puts a planned run to work: workers can find it, its progress shows what is committed, its shards are queued. */
import type { Redis } from 'ioredis';
import { readPlan } from '../shared/listing.ts';
import type { ShardQueue } from '../shared/queue.ts';
import { registerRun, seedProgress } from '../shared/redisRuns.ts';
import { type RunShards, readRunShards } from '../shared/run/generations.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import type { ShardSpec } from '../shared/shard.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { type EnqueueProgress, enqueueShards } from './enqueueShards.ts';
import { createRunTally } from './runTally.ts';

export interface FeedOptions {
  readonly redis: Redis;
  readonly queue: ShardQueue;
  readonly signal: AbortSignal;
  readonly onProgress?: (fed: EnqueueProgress) => void;
}

/** Returns when every shard without a commit is in the queue; with a long plan that takes as long as the run. */
export async function feedRun(
  run: RunFile,
  store: ObjectStore,
  options: FeedOptions,
): Promise<EnqueueProgress> {
  const { redis, queue, signal, onProgress } = options;
  const runShards = await readRunShards(store, run, signal);
  const tally = createRunTally(runShards, store);
  await tally.refresh(signal);
  const { faces, rejected: rejects, variants } = tally.counters;
  await seedProgress(redis, run.runId, { shardsDone: tally.shardsDone, faces, rejects, variants });
  const { runId, createdAt, shards } = run;
  await registerRun(redis, { runId, createdAt, shards, out: store.uri });
  return enqueueShards(queue, currentSpecs(run, store, runShards, signal), {
    committed: tally,
    signal,
    ...(onProgress && { onProgress }),
  });
}

/** The shards that make up the run: those of the plan, with the numbers of the newest generation. */
export async function* currentSpecs(
  run: RunFile,
  store: ObjectStore,
  shards: RunShards,
  signal?: AbortSignal,
): AsyncGenerator<ShardSpec> {
  for await (const { spec } of readPlan(store, run.runId, signal)) {
    yield { ...spec, index: shards.shardAt(spec.index) };
  }
}
