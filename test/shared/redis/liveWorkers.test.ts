import assert from 'node:assert/strict';
import { test } from 'node:test';
import { removeSilentWorkers, sayAlive, sayGone } from '../../../src/shared/redis/liveWorkers.ts';
import { withRedis } from '../../helpers/services/redis.ts';

test('a worker counts as alive until it leaves or is silent for 30 s', () =>
  withRedis(async ({ redis }) => {
    const worker = { workerId: 'w1', host: 'node1', pid: 7, device: 'cpu' };
    await sayAlive(redis, 'r', worker);
    await sayAlive(redis, 'r', { ...worker, workerId: 'w2' });
    await redis.hset(
      'posecast:r:workers',
      'w3',
      JSON.stringify({ host: 'n', pid: 1, device: 'cpu', seenAt: Date.now() - 31_000 }),
    );
    const alive = await removeSilentWorkers(redis, 'r');
    assert.deepEqual(alive.map(({ workerId }) => workerId).sort(), ['w1', 'w2']);
    assert.ok(Math.abs((alive[0]?.seenAt ?? 0) - Date.now()) < 5_000);
    await sayGone(redis, 'r', 'w1');
    assert.deepEqual(
      (await removeSilentWorkers(redis, 'r')).map(({ workerId }) => workerId),
      ['w2'],
    );
    assert.equal(await redis.hlen('posecast:r:workers'), 1);
  }));
