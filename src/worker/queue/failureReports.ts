/**
 * What failed: noted in OUT when it was the last attempt, heard by metrics and logs, and said to the person who
 * watches.
 */
import { type Job, UnrecoverableError } from 'bullmq';
import { describeError } from '../../shared/errors.ts';
import { crashReason, shardOfJob } from '../../shared/redis/queue.ts';
import type { ObjectStore } from '../../shared/store/objectStore.ts';
import type { Say } from '../../shared/text/logFields.ts';
import type { WorkObserver } from '../workObserver.ts';
import { failureCode, recordFailure } from './recordFailure.ts';

export interface FailureReports {
  /** Of an attempt that failed; `job` is undefined when Redis no longer knows it. */
  add(job: Job<unknown, unknown> | undefined, error: Error): void;
  /** Resolves when every note is in OUT, or could not be written. */
  settled(): Promise<unknown>;
}

export interface FailureReportsOptions {
  readonly store: ObjectStore;
  readonly runId: string;
  readonly warn: Say;
  readonly observer: WorkObserver;
}

export function createFailureReports({
  store,
  runId,
  warn,
  observer,
}: FailureReportsOptions): FailureReports {
  const notes = new Set<Promise<void>>();

  function note(job: Job<unknown, unknown>, error: Error): void {
    const noted = recordFailure(store, runId, job, error)
      .catch((thrown: unknown) =>
        warn(`the failure could not be noted in OUT: ${describeError(thrown)}`, { level: 'warn' }),
      )
      .finally(() => notes.delete(noted));
    notes.add(noted);
  }

  return {
    add(job, error) {
      if (job !== undefined) note(job, error);
      const crash = job && crashReason(job);
      if (crash !== undefined) {
        // BullMQ gave it up without calling the worker's function.
        const failure = { code: 'crashed', message: crash };
        observer.shardEnded?.({ runId, outcome: 'failed', failure, seconds: 0, stages: [], stagesMs: {} });
      }
      // One that Redis has lost says 0.
      const attempts = job?.opts.attempts || 1;
      const others = error instanceof UnrecoverableError ? ', no other is made' : ` of ${attempts}`;
      // By its id: the payload of a job that failed may be anything.
      const shard = shardOfJob(job?.id);
      warn(
        `shard ${shard ?? job?.id ?? '?'} failed (attempt ${job?.attemptsMade ?? '?'}${others}): ${crash ?? error.message}`,
        {
          level: 'error',
          code: crash === undefined ? failureCode(error) : 'crashed',
          ...(shard !== undefined && { shard }),
          ...(job && { attempt: job.attemptsMade, attempts }),
        },
      );
    },
    settled: () => Promise.all(notes),
  };
}
