/**
 * Puts a generation of shards that are done again to work, at once: its own shards, however full the queue is. What
 * else is missing from the queue is left to whoever feeds the run, the producer or, when the queue is empty, the
 * workers.
 */
import { IntegrityError } from '../shared/errors.ts';
import { jobId } from '../shared/redis/queue.ts';
import { registerRun } from '../shared/redis/runList.ts';
import { readProgress } from '../shared/redis/runProgress.ts';
import type { RetryGeneration } from '../shared/run/generationFile.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import { openRunPlan } from '../shared/run/runPlan.ts';
import type { ShardSpec } from '../shared/shard.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { JOBS_AT_ONCE, sendShards } from './enqueueShards.ts';
import { type FeedOptions, seedRunProgress } from './feedRun.ts';
import type { RetryChoice } from './retryFailed.ts';

/** Jobs that are put above a full queue at most: Redis holds few jobs, however many shards are done again. */
const MAX_JOBS = 10_000;

export interface QueueRetryOptions extends Omit<FeedOptions, 'keepFailed' | 'onProgress'> {
  readonly maxJobs?: number;
}

/** Returns how many were queued: all, up to `maxJobs`, unless a later generation has replaced some of them meanwhile. */
export async function queueRetry(
  run: RunFile,
  store: ObjectStore,
  { firstShard, replaces }: RetryGeneration,
  choice: RetryChoice,
  { redis, queue, signal, tracing, maxJobs = MAX_JOBS }: QueueRetryOptions,
): Promise<number> {
  const { runId, createdAt } = run;
  // Of shards that failed nothing was counted, and reading every commit of a large run takes minutes. Without faces the
  // counters are lost, or `shardsDone` alone was put right since: every commit has some.
  if (choice.rejecting.length > 0 || (await readProgress(redis, runId)).faces === 0)
    await seedRunProgress(redis, run, store, signal);
  const { places: shards, generations } = choice.shards;
  await registerRun(redis, { runId, createdAt, shards, generation: generations.length + 1, out: store.uri });
  const plan = openRunPlan(store, run);
  let queued = 0;
  for (let start = 0; start < replaces.length; start += JOBS_AT_ONCE) {
    signal.throwIfAborted();
    const replaced = replaces.slice(start, start + JOBS_AT_ONCE);
    const specs: ShardSpec[] = [];
    for (const i of replaced.slice(0, Math.max(0, maxJobs - queued)).keys()) {
      const shard = firstShard + start + i;
      const spec = await plan.shard(shard);
      if (spec === undefined) throw new IntegrityError('no-shard', 'the plan has no such shard', { shard });
      if (spec !== 'replaced') specs.push(spec);
    }
    if (specs.length > 0) await sendShards(queue, specs, tracing);
    // Their jobs would be reported as failed for as long as the queue lives.
    await Promise.all(replaced.map((shard) => queue.remove(jobId(shard))));
    queued += specs.length;
  }
  return queued;
}
