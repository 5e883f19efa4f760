/** What one of several processes of a run does for all of them: it claims the step in Redis, for a time. */
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { runFactKey } from './redisKeys.ts';

/** True for one of several processes that ask within the time. */
export async function claimFeeding(redis: Redis, runId: string, ms: number): Promise<boolean> {
  return (await redis.set(runFactKey(runId, 'feeding'), '1', 'PX', ms, 'NX')) === 'OK';
}

/** How long a process that looks whether a run is complete, and makes its last files, has that to itself. */
const FINISH_MS = 10_000;

/**
 * Lets one of several processes that ask within 10 s do the last step of a run: it gets a function to call when it is
 * done, the others undefined. This only saves all of them from reading every commit at once; doing the last step twice
 * is harmless.
 */
export async function claimFinish(redis: Redis, runId: string): Promise<(() => Promise<void>) | undefined> {
  const key = runFactKey(runId, 'finish');
  const mine = randomUUID();
  // A Redis that refuses to write (its memory is full) does not keep a run from ending.
  const answer = await redis.set(key, mine, 'PX', FINISH_MS, 'NX').catch(() => 'OK');
  if (answer !== 'OK') return undefined;
  return async () => {
    // Another process may have it by now.
    if ((await redis.get(key)) === mine) await redis.del(key);
  };
}
