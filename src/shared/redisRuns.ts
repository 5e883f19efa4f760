/** The runs a Redis has work for, so that `posecast work` needs no argument; and what is known of each as it runs. */
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { forgetQueue, keepQueue } from './forgetQueue.ts';
import { isRefusal } from './redisRefusal.ts';

const RUNS_KEY = 'posecast:runs';

/** A worker that has not been heard of for this long is not counted any more. */
export const WORKER_ALIVE_MS = 30_000;

/** How long Redis remembers a run's progress after its last change. */
const FORGET_S = 7 * 24 * 3_600;

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
  await keepQueue(redis, runId);
}

/** True for one of several processes that ask within the time. */
export async function claimFeeding(redis: Redis, runId: string, ms: number): Promise<boolean> {
  return (await redis.set(`posecast:${runId}:feeding`, '1', 'PX', ms, 'NX')) === 'OK';
}

/** How long a process that looks whether a run is complete, and makes its last files, has that to itself. */
const FINISH_MS = 10_000;

/**
 * Lets one of several processes that ask within 10 s do the last step of a run: it gets a function to call when it is done,
 * the others undefined. This only saves all of them from reading every commit at once; doing the last step twice is
 * harmless.
 */
export async function claimFinish(redis: Redis, runId: string): Promise<(() => Promise<void>) | undefined> {
  const key = `posecast:${runId}:finish`;
  const mine = randomUUID();
  // A Redis that refuses to write (its memory is full) does not keep a run from ending.
  const answer = await redis.set(key, mine, 'PX', FINISH_MS, 'NX').catch(() => 'OK');
  if (answer !== 'OK') return undefined;
  return async () => {
    // Another process may have it by now.
    if ((await redis.get(key)) === mine) await redis.del(key);
  };
}

/** KEYS: the list. ARGV: a run, its entry as it was seen. */
const TAKE_OFF = `
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
`;

/**
 * Takes a run that is over off the list; what else Redis holds of it ends by itself. A run that is added to meanwhile has
 * another entry, which stays, also when this process was asleep or without network since it asked.
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
  await redis.expire(progressKey(runId), FORGET_S);
  await forgetQueue(redis, runId, RUNS_KEY);
}

function forgottenKey(runId: string): string {
  return `posecast:${runId}:forgotten`;
}

/** Takes a run off the list that nobody is going to finish, and lets those know that wait for it. */
export async function forgetRun(redis: Redis, runId: string): Promise<void> {
  // A Redis without memory left refuses it, and runs are forgotten there to make room; they are taken off all the same.
  await redis.set(forgottenKey(runId), '1', 'EX', FORGET_S).catch((error: unknown) => {
    if (!isRefusal(error)) throw error;
  });
  await unregisterRun(redis, runId, async () => true);
}

/** Whether somebody has forgotten the run since `takeUpAgain`. A Redis that was emptied has lost it, and says false. */
export async function isForgotten(redis: Redis, runId: string): Promise<boolean> {
  return (await redis.exists(forgottenKey(runId))) === 1;
}

/** The run is wanted, whoever has forgotten it before. */
export async function takeUpAgain(redis: Redis, runId: string): Promise<void> {
  await redis.del(forgottenKey(runId));
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

/** Counters of a run while it runs: a hint for live lines. The commits in the store are the truth. */
export const PROGRESS_FIELDS = ['shardsDone', 'faces', 'rejects', 'variants'] as const;
export type RunProgress = Record<(typeof PROGRESS_FIELDS)[number], number>;

function progressKey(runId: string): string {
  return `posecast:${runId}:progress`;
}

/** Adds to the counters; called by whoever won a commit. */
export async function addProgress(redis: Redis, runId: string, add: Partial<RunProgress>): Promise<void> {
  const key = progressKey(runId);
  const batch = redis.pipeline();
  for (const field of PROGRESS_FIELDS) if (add[field]) batch.hincrby(key, field, add[field]);
  batch.expire(key, FORGET_S);
  await batch.exec();
}

/** Sets the counters to what the commits say: at the start of a resume, after a Redis was lost. */
export async function seedProgress(redis: Redis, runId: string, progress: RunProgress): Promise<void> {
  await redis.hset(progressKey(runId), progress);
}

export async function readProgress(redis: Redis, runId: string): Promise<RunProgress> {
  const values = await redis.hmget(progressKey(runId), ...PROGRESS_FIELDS);
  const at = (i: number) => Number(values[i] ?? 0);
  return { shardsDone: at(0), faces: at(1), rejects: at(2), variants: at(3) };
}

const workerSchema = z.object({
  host: z.string(),
  pid: z.number(),
  device: z.string(),
  /** Milliseconds since 1970 by Redis's clock, so that the workers' clocks need not agree. */
  seenAt: z.number(),
});

export type WorkerEntry = z.infer<typeof workerSchema> & { readonly workerId: string };

function workersKey(runId: string): string {
  return `posecast:${runId}:workers`;
}

/** Says that a worker is alive; to be repeated every 10 s. */
export async function sayAlive(
  redis: Redis,
  runId: string,
  worker: Omit<WorkerEntry, 'seenAt'>,
): Promise<void> {
  const { workerId, ...facts } = worker;
  const key = workersKey(runId);
  await redis.hset(key, workerId, JSON.stringify({ ...facts, seenAt: await redisNow(redis) }));
  await redis.expire(key, FORGET_S);
}

/** Takes back `sayAlive`, when a worker leaves in order. */
export async function sayGone(redis: Redis, runId: string, workerId: string): Promise<void> {
  await redis.hdel(workersKey(runId), workerId);
}

/** Workers heard of in the last 30 s. Forgets the others. */
export async function aliveWorkers(redis: Redis, runId: string): Promise<WorkerEntry[]> {
  const key = workersKey(runId);
  const oldest = (await redisNow(redis)) - WORKER_ALIVE_MS;
  const alive: WorkerEntry[] = [];
  for (const [workerId, value] of Object.entries(await redis.hgetall(key))) {
    const parsed = workerSchema.safeParse(parseJson(value));
    if (parsed.success && parsed.data.seenAt >= oldest) alive.push({ workerId, ...parsed.data });
    else await redis.hdel(key, workerId);
  }
  return alive;
}

/** Every worker that has said so, however long ago; forgets none. `silentMs`: since it was heard of last. */
export async function workersHeardOf(
  redis: Redis,
  runId: string,
): Promise<(WorkerEntry & { readonly silentMs: number })[]> {
  const now = await redisNow(redis);
  const heard: (WorkerEntry & { silentMs: number })[] = [];
  for (const [workerId, value] of Object.entries(await redis.hgetall(workersKey(runId)))) {
    const parsed = workerSchema.safeParse(parseJson(value));
    if (!parsed.success) continue;
    heard.push({ workerId, ...parsed.data, silentMs: Math.max(0, now - parsed.data.seenAt) });
  }
  return heard;
}

async function redisNow(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
