/** BullMQ's worker for a Redis that others may write to: a job whose payload is not even JSON is a job like any other. */
import { type Job, type JobJson, Worker } from 'bullmq';

/** Left alone, such a job stays active without a word until it counts as stalled, again and again, for minutes. */
export class ShardWorker extends Worker<unknown, unknown> {
  protected override createJob(data: JobJson, jobId: string): Job<unknown, unknown> {
    return super.createJob(isJson(data.data) ? data : { ...data, data: 'null' }, jobId);
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
