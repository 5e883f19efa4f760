/** A shard that Redis remembers as given up. */
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { jobId, SHARD_JOB, type ShardQueue, WORKER_OPTIONS } from '../../src/shared/redis/queue.ts';
import type { ShardSpec } from '../../src/shared/shard.ts';

export async function addFailedJob(redis: Redis, queue: ShardQueue, shard: number): Promise<void> {
  // What is in it does not matter any more.
  await queue.add(SHARD_JOB, {} as ShardSpec, { jobId: jobId(shard), attempts: 1 });
  const connection = redis.duplicate();
  const worker = new Worker(queue.name, null, { connection, ...WORKER_OPTIONS });
  try {
    const job = await worker.getNextJob('token');
    await job?.moveToFailed(new Error(`shard ${shard} cannot be done`), 'token');
  } finally {
    await worker.close();
    connection.disconnect();
  }
}
