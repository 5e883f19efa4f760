/** A complete run leaves the list of those that Redis has work for. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { describeError } from '../shared/errors.ts';
import { unregisterRun } from '../shared/redis/runList.ts';
import { isFinished } from '../shared/run/committedShards.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import type { Say } from '../shared/text/logFields.ts';

/** A Redis that is away for so long is not waited for, in milliseconds. */
const PATIENCE_MS = 5_000;
const LOOK_MS = 200;

/**
 * Kept on the list by a Redis that refuses, or is away, it is complete all the same: whoever takes it next finds that
 * and retires it.
 */
export async function retireRun(redis: Redis, runId: string, store: ObjectStore, note: Say): Promise<void> {
  const over = new AbortController();
  const stays = (why: string) => note(`run ${runId} stays on the list of Redis: ${why}`, { level: 'warn' });
  try {
    const away = untilAway(redis, over.signal);
    const end = await Promise.race([unregisterRun(redis, runId, () => isFinished(store)), away]);
    if (end === 'away') stays('Redis is unreachable');
  } catch (error) {
    // Redis refuses, or it is the store that has gone.
    stays(describeError(error));
  } finally {
    over.abort();
  }
}

/** Resolves when there has been no connection for a while; one that is there but silent is given up by the client. */
async function untilAway(redis: Redis, signal: AbortSignal): Promise<'away'> {
  let seenAt = performance.now();
  while (performance.now() - seenAt < PATIENCE_MS) {
    await sleep(LOOK_MS, undefined, { signal });
    if (redis.status === 'ready') seenAt = performance.now();
  }
  return 'away';
}
