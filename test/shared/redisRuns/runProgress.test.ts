import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addProgress, readProgress, seedProgress } from '../../../src/shared/redisRuns/runProgress.ts';
import { withRedis } from '../../helpers/services/redis.ts';

test('counters add up over workers and start from what the commits say', () =>
  withRedis(async ({ redis }) => {
    assert.deepEqual(await readProgress(redis, 'r'), { shardsDone: 0, faces: 0, rejects: 0, variants: 0 });
    await seedProgress(redis, 'r', { shardsDone: 2, faces: 20, rejects: 1, variants: 40 });
    await Promise.all([
      addProgress(redis, 'r', { shardsDone: 1, faces: 10, variants: 20 }),
      addProgress(redis, 'r', { shardsDone: 1, faces: 5, rejects: 5 }),
    ]);
    assert.deepEqual(await readProgress(redis, 'r'), { shardsDone: 4, faces: 35, rejects: 6, variants: 60 });
  }));
