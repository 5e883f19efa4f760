/** Puts a planned run to work: workers can find it, its progress shows what is committed, its shards are queued. */
import type { Redis } from 'ioredis';
import { readPlan } from '../shared/listing.ts';
import type { ShardQueue } from '../shared/queue.ts';
import { registerRun, seedProgress } from '../shared/redisRuns.ts';
import { committedShards } from '../shared/run/committedShards.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import { readShardCommit } from '../shared/run/shardCommit.ts';
import type { ShardSpec } from '../shared/shard.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { type EnqueueProgress, enqueueShards } from './enqueueShards.ts';

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
  const committed = new Set<number>();
  const progress = { shardsDone: 0, faces: 0, rejects: 0, variants: 0 };
  for await (const index of committedShards(store, signal)) {
    const commit = await readShardCommit(store, index);
    if (commit === undefined) continue;
    committed.add(index);
    progress.shardsDone += 1;
    progress.faces += commit.counters.faces;
    progress.rejects += commit.counters.rejected;
    progress.variants += commit.counters.variants;
  }
  await seedProgress(redis, run.runId, progress);
  const { runId, createdAt, shards } = run;
  await registerRun(redis, { runId, createdAt, shards, out: store.uri });
  return enqueueShards(queue, specs(run, store, signal), {
    committed,
    signal,
    ...(onProgress && { onProgress }),
  });
}

async function* specs(run: RunFile, store: ObjectStore, signal: AbortSignal): AsyncGenerator<ShardSpec> {
  for await (const { spec } of readPlan(store, run.runId, signal)) yield spec;
}
