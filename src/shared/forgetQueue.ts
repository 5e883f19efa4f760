/** Lets Redis forget the queue of a run that is complete: nobody will ever ask for it again. */
import type { Redis } from 'ioredis';
import { queueName } from './queue.ts';

/**
 * Seconds that the keys live on. Not deleted at once: other workers of the run may be looking at the queue to learn
 * that it is empty, or be giving back the job of a shard that somebody else has committed.
 */
const KEPT_S = 3_600;

/** Gives every key of the run's queue an end. */
export async function forgetQueue(redis: Redis, runId: string): Promise<void> {
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `bull:${queueName(runId)}:*`, 'COUNT', 1_000);
    cursor = next;
    if (keys.length === 0) continue;
    const batch = redis.pipeline();
    for (const key of keys) batch.expire(key, KEPT_S);
    await batch.exec();
  } while (cursor !== '0');
}
