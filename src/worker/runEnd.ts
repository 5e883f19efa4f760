/** Waits until a run has nothing left to do, and puts the last files in place. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { InterruptibleWait } from '../shared/async/interruptibleWait.ts';
import { unlessAborted } from '../shared/async/unlessAborted.ts';
import { describeError } from '../shared/errors.ts';
import {
  crashReason,
  jobId,
  type QueueDepth,
  readFailedShards,
  readQueueDepth,
  type ShardQueue,
} from '../shared/redis/queue.ts';
import { seedProgress } from '../shared/redis/runProgress.ts';
import { isFinished } from '../shared/run/committedShards.ts';
import { type FinalizeResult, finalizeRun } from '../shared/run/finalizeRun.ts';
import { requireThisRun } from '../shared/run/requireThisRun.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import { isPassing } from '../shared/store/isPassing.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { printable } from '../shared/text/printable.ts';
import type { EmptyQueueWatch } from './queue/emptyQueueWatch.ts';
import { createOverdueRetries } from './queue/overdueRetries.ts';
import { createQueuePauseWatch, type QueuePauseWatch } from './queue/queuePauseWatch.ts';

/** `complete`: every shard is committed and the manifest is in place. */
export type RunEnd =
  | { readonly status: 'complete' }
  | { readonly status: 'failed'; readonly failures: readonly ShardFailure[] };

export interface ShardFailure {
  readonly shard: string;
  readonly reason: string;
}

export interface RunEndOptions {
  readonly redis: Redis;
  readonly queue: ShardQueue;
  readonly store: ObjectStore;
  readonly run: RunFile;
  readonly signal: AbortSignal;
  /** Asked when a look fails: whether it is worth looking again later. */
  readonly isStoreAway?: (error: unknown) => Promise<boolean>;
  /**
   * Told when a look fails for something that may pass, such as listings that are throttled, and when the queue is paused
   * in Redis; once, not at every look.
   */
  readonly warn?: (line: string) => void;
  /** Called at every look, a few times a second. */
  readonly onLook?: () => Promise<void>;
  readonly pollMs?: number;
  /**
   * Interrupted when a shard has ended here: the last one is looked for at once, and not when it is time to look again.
   */
  readonly betweenLooks?: InterruptibleWait;
  /** Hears at every look how much is in the queue. */
  readonly onQueueDepth?: (depth: QueueDepth) => void;
  /**
   * Asked before every commit is read; undefined: another process does so now, and this one looks again later. What it
   * gives is called when that is done. Absent: all do it.
   */
  readonly claimFinish?: () => Promise<(() => Promise<void>) | undefined>;
  /** Hears whether the queue has work. */
  readonly emptyQueue?: EmptyQueueWatch;
}

/** Failed shards reported by name; more are only counted. */
const REPORTED_FAILURES = 20;
/**
 * A store that answers, but not this, is asked again for this long, in milliseconds: all is computed, and only the last
 * step is missing.
 */
const PATIENCE_MS = 600_000;
/** The commits are counted at most this often while the queue is empty but somebody may still be filling it. */
const COUNT_EVERY_MS = 2_000;

/**
 * Resolves when every shard is committed, or when those that are not have failed for good. Rejects as soon as it is
 * aborted, also while Redis is away and answers nothing.
 * @throws IntegrityError when the store does not hold this run any more, or what it holds of it cannot be read.
 */
export async function waitForRunEnd(options: RunEndOptions): Promise<RunEnd> {
  options.signal.throwIfAborted();
  return unlessAborted(lookAgainAndAgain(options), options.signal);
}

async function lookAgainAndAgain(options: RunEndOptions): Promise<RunEnd> {
  /** Of the first of failures in a row that nobody else watches. */
  let failingSince: number | undefined;
  const queuePause = createQueuePauseWatch(options.queue, (line) => options.warn?.(line));
  while (true) {
    const begun = performance.now();
    try {
      return await lookForEnd(options, queuePause);
    } catch (error) {
      if (options.signal.aborted) throw error;
      if (!(await options.isStoreAway?.(error))) {
        const failed = performance.now();
        if (failingSince !== undefined && failed - begun > PATIENCE_MS) failingSince = undefined;
        if (!isPassing(error) || failed - (failingSince ?? failed) > PATIENCE_MS) throw error;
        if (failingSince === undefined) options.warn?.(`OUT is looked at again (${describeError(error)})`);
        failingSince ??= failed;
      }
    }
    await sleep(COUNT_EVERY_MS, undefined, { signal: options.signal });
  }
}

async function lookForEnd(options: RunEndOptions, queuePause: QueuePauseWatch): Promise<RunEnd> {
  const { queue, store, signal, pollMs = 200, betweenLooks } = options;
  const overdueRetries = createOverdueRetries(options.redis, queue);
  let countedAt = -Infinity;
  while (true) {
    signal.throwIfAborted();
    await options.onLook?.();
    const depth = await readQueueDepth(queue);
    options.onQueueDepth?.(depth);
    if (depth.delayed > 0) await overdueRetries.look();
    // The shards in work end all the same.
    if (depth.active === 0) await queuePause.look();
    if (depth.waiting + depth.active + depth.delayed > 0) {
      countedAt = -Infinity;
      options.emptyQueue?.sawWork();
    } else if (performance.now() - countedAt > COUNT_EVERY_MS) {
      countedAt = performance.now();
      // With run.json gone, or another run's, what is there is no sign of this run's end; it would be waited for for
      // ever.
      await requireThisRun(store, options.run.runId);
      // Another worker may have been faster; then there is nothing to read.
      if (await isFinished(store)) return { status: 'complete' };
      const end = await finish(options);
      if (end !== undefined) return end;
    }
    // While others wait, the end of one is not the run's.
    if (betweenLooks === undefined || depth.waiting + depth.delayed > 0) {
      await sleep(pollMs, undefined, { signal });
    } else if (await betweenLooks.wait(pollMs, signal)) {
      countedAt = -Infinity;
    }
  }
}

/** Undefined: the run has not ended, or another process is about to say so. */
async function finish(options: RunEndOptions): Promise<RunEnd | undefined> {
  const { redis, queue, store, run, signal, claimFinish } = options;
  // A look that is over must not take the claim from the next.
  signal.throwIfAborted();
  const done = claimFinish === undefined ? async () => {} : await claimFinish();
  if (done === undefined) return undefined;
  let finalized: FinalizeResult;
  try {
    finalized = await finalizeRun(store, run, { signal });
  } finally {
    // Not waited for: without Redis it ends by itself.
    done().catch(() => {});
  }
  if (finalized.status === 'finished') return { status: 'complete' };
  // What failed may have been replaced since, or committed by another attempt.
  const failed = (await readFailedShards(queue)).filter(finalized.isMissing);
  if (failed.length >= finalized.missing) {
    // Increments are lost with a worker that dies, and with a Redis. By this count the run is no work for anybody. A
    // Redis that refuses it keeps nobody here.
    await seedProgress(redis, run.runId, { shardsDone: finalized.done }).catch(() => {});
    return { status: 'failed', failures: await readFailures(queue, failed.slice(0, REPORTED_FAILURES)) };
  }
  options.emptyQueue?.sawNone();
  return undefined;
}

async function readFailures(queue: ShardQueue, shards: readonly number[]): Promise<ShardFailure[]> {
  const failures: ShardFailure[] = [];
  for (const shard of shards) {
    const job = await queue.getJob(jobId(shard));
    if (job === undefined) continue;
    failures.push({ shard: String(shard), reason: crashReason(job) ?? printable(job.failedReason) });
  }
  return failures;
}
