/** A complete run leaves the list of those that Redis has work for. */
import type { Redis } from 'ioredis';
import { describeError } from '../shared/errors.ts';
import type { Say } from '../shared/logFields.ts';
import { unregisterRun } from '../shared/redisRuns.ts';
import { isFinished } from '../shared/run/committedShards.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { isRefusal } from '../worker/refusals.ts';

/** Kept on the list by a Redis that refuses, it is complete all the same: whoever takes it next finds that and retires it. */
export async function retireRun(redis: Redis, runId: string, store: ObjectStore, note: Say): Promise<void> {
  try {
    await unregisterRun(redis, runId, () => isFinished(store));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    note(`redis refuses to take run ${runId} off its list (${describeError(error)})`, { level: 'warn' });
  }
}
