/** Notes in OUT why a shard was given up, when its last attempt has failed. */
import { hostname } from 'node:os';
import type { Job } from 'bullmq';
import { PosecastError, toError } from '../../shared/errors.ts';
import { crashReason, shardOfJob } from '../../shared/redis/queue.ts';
import { requireThisRun } from '../../shared/run/requireThisRun.ts';
import { noteShardFailure } from '../../shared/run/shardFailure.ts';
import type { ObjectStore } from '../../shared/store/objectStore.ts';

/**
 * Does nothing for a shard that will be tried again, and for a job whose id is none of ours.
 * @throws IntegrityError when OUT does not hold the run any more: what is there then is not this run's.
 */
export async function recordFailure(
  store: ObjectStore,
  runId: string,
  job: Job<unknown, unknown>,
  error: Error,
): Promise<void> {
  if (job.finishedOn === undefined || job.finishedOn === null) return;
  // By its id: the payload of a job that failed may be anything.
  const shard = shardOfJob(job.id);
  if (shard === undefined) return;
  await requireThisRun(store, runId);
  const crash = crashReason(job);
  await noteShardFailure(store, {
    runId,
    shard,
    code: crash === undefined ? failureCode(error) : 'crashed',
    message: crash ?? error.message,
    attempts: job.attemptsMade,
    host: hostname(),
    failedAt: new Date(job.finishedOn).toISOString(),
  });
}

/** The code of an error, or of the error that it wraps. */
export function failureCode(thrown: unknown): string {
  const error = toError(thrown);
  if (error instanceof PosecastError) return error.code;
  if (error.cause instanceof Error) return failureCode(error.cause);
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && code !== '' ? code : 'error';
}
