/** Lets Redis forget the queue of a run that is complete, and keep it when the run is taken up again. */
import type { Redis } from 'ioredis';
import { queueName, WORKER_OPTIONS } from './queue.ts';

/**
 * Seconds that the keys live on. Not deleted at once: other workers of the run may be looking at the queue to learn
 * that it is empty, or be giving back the job of a shard that somebody else has committed.
 */
const KEPT_S = 3_600;

/** KEYS: the list of runs, a key of the run's queue. ARGV: the run, seconds. */
const FORGET = `
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then redis.call('EXPIRE', KEYS[2], ARGV[2]) end
`;

/**
 * Sets an expiry on every key of the run's queue, unless the run is on the list again. Keys that expire anyway keep
 * their time: locks, and the note that somebody has just looked for dead workers. If that note lived longer and the run
 * were taken up again, nobody would look.
 */
export async function forgetQueue(redis: Redis, runId: string, list: string): Promise<void> {
  for await (const { key, endsInMs } of queueKeys(redis, runId)) {
    if (endsInMs < 0) await redis.eval(FORGET, 2, list, key, runId, KEPT_S);
  }
}

/** Removes the expiries that `forgetQueue` set. Those of locks are sooner, and stay. */
export async function keepQueue(redis: Redis, runId: string): Promise<void> {
  for await (const { key, endsInMs } of queueKeys(redis, runId)) {
    if (endsInMs > 2 * WORKER_OPTIONS.lockDuration) await redis.persist(key);
  }
}

/** `endsInMs`: negative for a key that does not expire. */
async function* queueKeys(redis: Redis, runId: string): AsyncGenerator<{ key: string; endsInMs: number }> {
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `bull:${queueName(runId)}:*`, 'COUNT', 1_000);
    cursor = next;
    const batch = redis.pipeline();
    for (const key of keys) batch.pttl(key);
    const ends = (await batch.exec()) ?? [];
    for (const [i, key] of keys.entries()) yield { key, endsInMs: Number(ends[i]?.[1] ?? -1) };
  } while (cursor !== '0');
}
