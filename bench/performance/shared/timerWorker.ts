/** The real worker of a run, its Redis and its queue around timer models. */
import type { Redis } from 'ioredis';
import { enqueueShards } from '../../../src/producer/enqueueShards.ts';
import { openShardQueue } from '../../../src/shared/redis/queue.ts';
import { closeRedis, connectRedis } from '../../../src/shared/redis/redis.ts';
import { startOwnRedis } from '../../../src/shared/redis/redisServer.ts';
import { readProgress, seedProgress } from '../../../src/shared/redis/runProgress.ts';
import type { RunFile } from '../../../src/shared/run/runFile.ts';
import type { ShardSpec } from '../../../src/shared/shard.ts';
import type { ShardContext } from '../../../src/worker/shardContext.ts';
import { type RunWorker, startRunWorker } from '../../../src/worker/work.ts';

/** A fresh Redis as runs on one machine start it: append-only file, flushed every second. */
export async function withBenchRedis<T>(
  dir: string,
  body: (service: { readonly url: string; readonly redis: Redis }) => Promise<T>,
): Promise<T> {
  const server = await startOwnRedis({ dir });
  try {
    const redis = await connectRedis(server.url);
    try {
      return await body({ url: server.url, redis });
    } finally {
      await closeRedis(redis);
    }
  } finally {
    await server.close();
  }
}

/** Queues shards that nobody has committed. */
export async function queueShards(redis: Redis, run: RunFile, specs: readonly ShardSpec[]): Promise<void> {
  await seedProgress(redis, run.runId, { shardsDone: 0, faces: 0, rejects: 0, variants: 0 });
  const queue = openShardQueue(redis, run.runId);
  const each = async function* () {
    yield* specs;
  };
  await enqueueShards(queue, each(), { committed: { has: () => false }, highWater: specs.length });
  await queue.close();
}

export interface TimerWorker extends RunWorker {
  /** Resolves when the run has that many commits. Rejects when a shard fails. */
  committed(shards: number): Promise<void>;
}

/** A worker that waits until `setPaused(false)`. */
export async function startTimerWorker(redis: Redis, context: ShardContext): Promise<TimerWorker> {
  let failure: Error | undefined;
  const worker = startRunWorker({
    redis,
    context,
    paused: true,
    warn: (line) => {
      failure ??= new Error(line);
    },
  });
  return {
    ...worker,
    async committed(shards) {
      while ((await readProgress(redis, context.run.runId)).shardsDone < shards) {
        if (failure !== undefined) throw failure;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };
}
