/**
 * BullMQ's worker for a Redis that others may write to, and that may go away: a job whose payload is not even JSON is a
 * job like any other, a Redis that refuses is not asked without pause, and it is known when Redis last answered the
 * question for a job.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Job, type JobJson, Worker } from 'bullmq';
import { toError } from '../../shared/errors.ts';
import { isRefusal } from '../../shared/redis/redisRefusal.ts';

/** BullMQ waits after errors of the connection alone. */
const AFTER_REFUSAL_MS = 1_000;

export class ShardWorker extends Worker<unknown, unknown> {
  /**
   * By `performance.now()`, in milliseconds. The only sign that jobs are really asked for: `isRunning()` stays true
   * when the loop that asks is stuck. An idle worker asks every 5 to 10 s.
   */
  answeredAt = performance.now();
  onAnswer: () => void = () => {};
  /** By `performance.now()`: when Redis last refused the question for a job; that is no fault of this worker. */
  refusedAt = -Infinity;

  /** Left alone, such a job stays active without a word until it counts as stalled, again and again, for minutes. */
  protected override createJob(data: JobJson, jobId: string): Job<unknown, unknown> {
    return super.createJob(isJson(data.data) ? data : { ...data, data: 'null' }, jobId);
  }

  protected override async moveToActive(
    ...question: Parameters<Worker<unknown, unknown>['moveToActive']>
  ): Promise<Job<unknown, unknown>> {
    try {
      return await super.moveToActive(...question);
    } catch (error) {
      if (isRefusal(error)) {
        this.refusedAt = performance.now();
        // Heard of now, and not when it has been waited: meanwhile the shards in work may end the run.
        this.emit('error', toError(error));
        await sleep(AFTER_REFUSAL_MS, undefined, { ref: false });
      }
      throw error;
    }
  }

  /** Called with every answer, whether it is a job or none. */
  protected override nextJobFromJobData(
    ...answer: Parameters<Worker<unknown, unknown>['nextJobFromJobData']>
  ): Promise<Job<unknown, unknown>> {
    this.answeredAt = performance.now();
    this.onAnswer();
    return super.nextJobFromJobData(...answer);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
