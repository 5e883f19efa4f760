/** Counters of a run while it runs: a hint for live lines and the exporter. The commits in the store are the truth. */
import type { Redis } from 'ioredis';
import { runFactKey } from './redisKeys.ts';

const PROGRESS_FIELDS = ['shardsDone', 'faces', 'rejects', 'variants'] as const;
export type ProgressCounters = Record<(typeof PROGRESS_FIELDS)[number], number>;

/** KEYS: the counters. ARGV: names, each with what is added. */
const ADD = `
if redis.call('EXISTS', KEYS[1]) == 0 then return end
for i = 1, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
`;

/**
 * Adds to the counters; called by whoever won a commit. Counters that were never seeded, or were lost, stay so: what
 * came before is missing from them, and of a run that nobody registers again they would never end.
 */
export async function addProgress(
  redis: Redis,
  runId: string,
  add: Partial<ProgressCounters>,
): Promise<void> {
  const more = PROGRESS_FIELDS.flatMap((field) => (add[field] ? [field, add[field]] : []));
  await redis.eval(ADD, 1, runFactKey(runId, 'progress'), ...more);
}

/** Sets counters to what the commits say: at the start of a resume, after a Redis was lost, when the run has failed. */
export async function seedProgress(
  redis: Redis,
  runId: string,
  progress: Partial<ProgressCounters>,
): Promise<void> {
  await redis.hset(runFactKey(runId, 'progress'), progress);
}

export async function readProgress(redis: Redis, runId: string): Promise<ProgressCounters> {
  const values = await redis.hmget(runFactKey(runId, 'progress'), ...PROGRESS_FIELDS);
  const at = (i: number) => Number(values[i] ?? 0);
  return { shardsDone: at(0), faces: at(1), rejects: at(2), variants: at(3) };
}
