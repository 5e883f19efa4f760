/** The workers of a run, by the last time that each said it was alive. */
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { parseJson } from '../parseJson.ts';
import { FORGET_S, runFactKey } from './redisKeys.ts';

/** A worker that has not been heard of for this long is not counted any more. */
export const WORKER_ALIVE_MS = 30_000;

const workerSchema = z.object({
  host: z.string(),
  pid: z.number(),
  device: z.string(),
  /** Milliseconds since 1970 by Redis's clock, so that the workers' clocks need not agree. */
  seenAt: z.number(),
});

export type WorkerEntry = z.infer<typeof workerSchema> & { readonly workerId: string };

/** Says that a worker is alive; to be repeated every 10 s. */
export async function sayAlive(
  redis: Redis,
  runId: string,
  worker: Omit<WorkerEntry, 'seenAt'>,
): Promise<void> {
  const { workerId, ...facts } = worker;
  const key = runFactKey(runId, 'workers');
  await redis.hset(key, workerId, JSON.stringify({ ...facts, seenAt: await redisNow(redis) }));
  await redis.expire(key, FORGET_S);
}

/** Takes back `sayAlive`, when a worker leaves in order. */
export async function sayGone(redis: Redis, runId: string, workerId: string): Promise<void> {
  await redis.hdel(runFactKey(runId, 'workers'), workerId);
}

/** Every worker that has said so and was not removed, however long ago. `silentMs`: since it was heard of last. */
export async function readWorkers(
  redis: Redis,
  runId: string,
): Promise<(WorkerEntry & { readonly silentMs: number })[]> {
  const { now, entries } = await readEntries(redis, runId);
  return entries.flatMap(([, worker]) =>
    worker === undefined ? [] : [{ ...worker, silentMs: Math.max(0, now - worker.seenAt) }],
  );
}

/** Removes the workers that were not heard of in the last 30 s, and what is no worker; gives those that stay. */
export async function removeSilentWorkers(redis: Redis, runId: string): Promise<WorkerEntry[]> {
  const { now, entries } = await readEntries(redis, runId);
  const alive: WorkerEntry[] = [];
  for (const [workerId, worker] of entries) {
    if (worker !== undefined && worker.seenAt >= now - WORKER_ALIVE_MS) alive.push(worker);
    else await sayGone(redis, runId, workerId);
  }
  return alive;
}

interface ReadEntries {
  /** By the clock of `seenAt`. */
  readonly now: number;
  /** By worker id; undefined: of another version of posecast, or broken. */
  readonly entries: readonly [workerId: string, worker: WorkerEntry | undefined][];
}

async function readEntries(redis: Redis, runId: string): Promise<ReadEntries> {
  const now = await redisNow(redis);
  const values = Object.entries(await redis.hgetall(runFactKey(runId, 'workers')));
  return {
    now,
    entries: values.map(([workerId, value]) => {
      const parsed = workerSchema.safeParse(parseJson(value));
      return [workerId, parsed.success ? { workerId, ...parsed.data } : undefined];
    }),
  };
}

async function redisNow(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
}
