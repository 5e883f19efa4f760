/** Counters of a run while it runs: a hint for live lines. The commits in the store are the truth. */
import type { Redis } from 'ioredis';
import { FORGET_S, runFactKey } from './redisKeys.ts';

const PROGRESS_FIELDS = ['shardsDone', 'faces', 'rejects', 'variants'] as const;
export type ProgressCounters = Record<(typeof PROGRESS_FIELDS)[number], number>;

/** Adds to the counters; called by whoever won a commit. */
export async function addProgress(
  redis: Redis,
  runId: string,
  add: Partial<ProgressCounters>,
): Promise<void> {
  const key = runFactKey(runId, 'progress');
  const batch = redis.pipeline();
  for (const field of PROGRESS_FIELDS) if (add[field]) batch.hincrby(key, field, add[field]);
  batch.expire(key, FORGET_S);
  await batch.exec();
}

/** Sets the counters to what the commits say: at the start of a resume, after a Redis was lost. */
export async function seedProgress(redis: Redis, runId: string, progress: ProgressCounters): Promise<void> {
  await redis.hset(runFactKey(runId, 'progress'), progress);
}

export async function readProgress(redis: Redis, runId: string): Promise<ProgressCounters> {
  const values = await redis.hmget(runFactKey(runId, 'progress'), ...PROGRESS_FIELDS);
  const at = (i: number) => Number(values[i] ?? 0);
  return { shardsDone: at(0), faces: at(1), rejects: at(2), variants: at(3) };
}
