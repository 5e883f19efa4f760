/** The runs a Redis has work for, so that `posecast work` needs no argument. */
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { parseJson } from '../parseJson.ts';
import { forgetQueue, keepQueue } from './forgetQueue.ts';
import { FORGET_S, RUNS_KEY, runFactKey } from './redisKeys.ts';
import { isRefusal } from './redisRefusal.ts';

const runEntrySchema = z.object({
  /** Store URI; never holds credentials. */
  out: z.string(),
  createdAt: z.string(),
  shards: z.number(),
  /** Generations so far: with each of them the entry is another one. Absent: of an older posecast. */
  generation: z.number().optional(),
});

export type RunEntry = z.infer<typeof runEntrySchema> & { readonly runId: string };

/** Makes a run known to workers without arguments; one that was complete may be taken up again. */
export async function registerRun(redis: Redis, entry: RunEntry): Promise<void> {
  const { runId, ...facts } = entry;
  await redis.hset(RUNS_KEY, runId, JSON.stringify(facts));
  await redis.persist(runFactKey(runId, 'progress'));
  await keepQueue(redis, runId);
}

/** KEYS: the list. ARGV: a run, its entry as it was seen. */
const TAKE_OFF = `
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
`;

/** KEYS: the list, the counters. ARGV: a run, seconds. A run that is on the list keeps them. */
const FORGET_PROGRESS = `
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then redis.call('EXPIRE', KEYS[2], ARGV[2]) end
`;

/**
 * Takes a run that is over off the list; what else Redis holds of it ends by itself. A run that is added to meanwhile
 * has another entry, which stays, also when this process was asleep or without network since it asked.
 *
 * @param isOver asked when the entry has been seen.
 */
export async function unregisterRun(
  redis: Redis,
  runId: string,
  isOver: () => Promise<boolean>,
): Promise<void> {
  const seen = await redis.hget(RUNS_KEY, runId);
  if (!(await isOver())) return;
  if (seen !== null) await redis.eval(TAKE_OFF, 1, RUNS_KEY, runId, seen);
  await redis.eval(FORGET_PROGRESS, 2, RUNS_KEY, runFactKey(runId, 'progress'), runId, FORGET_S);
  await forgetQueue(redis, runId, RUNS_KEY);
}

/** Takes a run off the list that nobody is going to finish, and lets those know that wait for it. */
export async function forgetRun(redis: Redis, runId: string): Promise<void> {
  // A Redis without memory left refuses it, and runs are forgotten there to make room; they are taken off all the same.
  await redis.set(runFactKey(runId, 'forgotten'), '1', 'EX', FORGET_S).catch((error: unknown) => {
    if (!isRefusal(error)) throw error;
  });
  await unregisterRun(redis, runId, async () => true);
}

/** Whether somebody has forgotten the run since `takeUpAgain`. A Redis that was emptied has lost it, and says false. */
export async function isForgotten(redis: Redis, runId: string): Promise<boolean> {
  return (await redis.exists(runFactKey(runId, 'forgotten'))) === 1;
}

/** The run is wanted, whoever has forgotten it before. */
export async function takeUpAgain(redis: Redis, runId: string): Promise<void> {
  await redis.del(runFactKey(runId, 'forgotten'));
}

/** Whether workers without OUT find the run: not once it was forgotten, or is complete. */
export async function isListed(redis: Redis, runId: string): Promise<boolean> {
  return (await redis.hexists(RUNS_KEY, runId)) === 1;
}

/** Registered runs, oldest first. Entries of another version of posecast are left out. */
export async function listRuns(redis: Redis): Promise<RunEntry[]> {
  const runs: RunEntry[] = [];
  for (const [runId, value] of Object.entries(await redis.hgetall(RUNS_KEY))) {
    const parsed = runEntrySchema.safeParse(parseJson(value));
    if (parsed.success) runs.push({ runId, ...parsed.data });
  }
  return runs.sort((a, b) => a.createdAt.localeCompare(b.createdAt));
}
