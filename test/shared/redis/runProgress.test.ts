import assert from 'node:assert/strict';
import { test } from 'node:test';
import { registerRun, unregisterRun } from '../../../src/shared/redis/runList.ts';
import { addProgress, readProgress, seedProgress } from '../../../src/shared/redis/runProgress.ts';
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

test('counters stay for as long as their run is on the list, and what Redis has lost of them is not begun anew', () =>
  withRedis(async ({ redis }) => {
    const entry = { runId: 'r', out: '/data/out', createdAt: '2026-01-01T00:00:00.000Z', shards: 3 };
    const endsIn = () => redis.ttl('posecast:r:progress');
    await seedProgress(redis, 'r', { shardsDone: 1, faces: 10, rejects: 0, variants: 20 });
    await registerRun(redis, entry);
    await addProgress(redis, 'r', { shardsDone: 1, faces: 10 });
    assert.equal(await endsIn(), -1);
    await unregisterRun(redis, 'r', async () => true);
    // Of a shard that was still in work.
    await addProgress(redis, 'r', { shardsDone: 1, faces: 10 });
    assert.ok((await endsIn()) > 0);
    await registerRun(redis, entry);
    assert.equal(await endsIn(), -1, 'it is taken up again');
    await redis.del('posecast:r:progress');
    await addProgress(redis, 'r', { shardsDone: 1, faces: 10 });
    assert.equal(await redis.exists('posecast:r:progress'), 0);
  }));
