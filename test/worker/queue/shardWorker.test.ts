import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { jobId, openShardQueue, queueName, WORKER_OPTIONS } from '../../../src/shared/redis/queue.ts';
import { isRefusal } from '../../../src/shared/redis/redisRefusal.ts';
import { ShardWorker } from '../../../src/worker/queue/shardWorker.ts';
import { withRedis } from '../../helpers/services/redis.ts';

const SHARD = {
  runId: 'r1',
  index: 0,
  part: 'listing/part-r1-00000.parquet',
  rowStart: 0,
  rowEnd: 10,
  subjects: 2,
  firstClassIndex: 0,
};

test('a Redis that refuses is asked for a job about once a second, and known to refuse until it answers', () =>
  withRedis(async ({ redis }) => {
    const queue = openShardQueue(redis, 'r1');
    await queue.add('shard', SHARD, { jobId: jobId(0) });
    await redis.config('SET', 'maxmemory', '1');
    // Heard when it comes and when it has been waited: one error.
    const refusals = new Set<Error>();
    const connection = redis.duplicate();
    const worker = new ShardWorker(queueName('r1'), async () => 'done', { connection, ...WORKER_OPTIONS });
    worker.on('error', (error) => {
      if (isRefusal(error)) refusals.add(error);
    });
    try {
      await sleep(4_000);
      assert.ok(refusals.size > 0 && refusals.size <= 6, `refused ${refusals.size} times`);
      assert.ok(worker.refusedAt > worker.answeredAt);
      const done = new Promise((resolve) => worker.once('completed', resolve));
      await redis.config('SET', 'maxmemory', '0');
      await done;
      assert.ok(worker.refusedAt < worker.answeredAt);
    } finally {
      await worker.close();
      connection.disconnect();
      await queue.close();
    }
  }));
