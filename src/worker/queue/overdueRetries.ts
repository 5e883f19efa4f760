/**
 * Shards that are due by a wrong clock. BullMQ writes down when a shard is tried again as a time of day, by the clock
 * of the worker that it failed on; were that one hours ahead, the run would stand still for hours once it is gone.
 */
import type { Redis } from 'ioredis';
import { LONGEST_BACKOFF_MS, type ShardQueue } from '../../shared/redis/queue.ts';

/** Between two looks at what is delayed, in milliseconds. */
const LOOK_MS = 1_000;
/** Retries looked at, those that are due first: Redis is asked for this many at a look, however many there are. */
const LOOKED_AT = 1_000;

export interface OverdueRetries {
  /**
   * Lets those be tried that have been seen waiting for longer than any backoff lasts. No clock is asked for the time
   * of day: which of them is right, nobody knows.
   */
  look(): Promise<void>;
}

export function createOverdueRetries(redis: Redis, queue: ShardQueue): OverdueRetries {
  /** When a retry was first seen, by its job and when it is due: another attempt of the same shard is another retry. */
  let seen = new Map<string, number>();
  let lookedAt = -Infinity;
  return {
    async look() {
      const now = performance.now();
      if (now - lookedAt < LOOK_MS) return;
      lookedAt = now;
      const delayed = await readDelayed(redis, queue);
      seen = new Map(delayed.map(({ retry }) => [retry, seen.get(retry) ?? now]));
      for (const { id, retry } of delayed) {
        if (now - seen.get(retry)! > LONGEST_BACKOFF_MS) await promote(queue, id);
      }
    },
  };
}

interface DelayedJob {
  readonly id: string;
  /** Its id and when it is due. */
  readonly retry: string;
}

async function readDelayed(redis: Redis, queue: ShardQueue): Promise<DelayedJob[]> {
  const flat = await redis.zrange(queue.toKey('delayed'), 0, `${LOOKED_AT - 1}`, 'WITHSCORES');
  const delayed: DelayedJob[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const [id, due] = [flat[i]!, flat[i + 1]!];
    delayed.push({ id, retry: `${id} ${due}` });
  }
  return delayed;
}

async function promote(queue: ShardQueue, id: string): Promise<void> {
  const job = await queue.getJob(id);
  // Another process was faster, or Redis takes nothing: the next look will show.
  await job?.promote().catch(() => {});
}
