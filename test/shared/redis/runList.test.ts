import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listRuns, registerRun, unregisterRun } from '../../../src/shared/redis/runList.ts';
import { seedProgress } from '../../../src/shared/redis/runProgress.ts';
import { withRedis } from '../../helpers/services/redis.ts';

test('workers find registered runs, oldest first, until they are taken off', () =>
  withRedis(async ({ redis }) => {
    const older = { runId: 'b', out: '/data/out', createdAt: '2026-01-01T00:00:00.000Z', shards: 3 };
    const newer = { runId: 'a', out: 's3://bucket/out', createdAt: '2026-01-02T00:00:00.000Z', shards: 5 };
    await registerRun(redis, newer);
    await registerRun(redis, older);
    await redis.hset('posecast:runs', 'broken', '{');
    assert.deepEqual(await listRuns(redis), [older, newer]);
    await unregisterRun(redis, 'b', async () => true);
    assert.deepEqual(await listRuns(redis), [newer]);
  }));

test('a run that is taken up again keeps its queue, and what keeps workers from looking for dead ones ends as before', () =>
  withRedis(async ({ redis }) => {
    const entry = { runId: 'r', out: '/data/out', createdAt: '2026-01-01T00:00:00.000Z', shards: 3 };
    const [meta, check, lock] = ['meta', 'stalled-check', 'shard-7:lock'].map(
      (name) => `bull:posecast-r:${name}`,
    );
    const ends = async () => Promise.all([meta, check, lock].map((key) => redis.pttl(key!)));
    await redis.hset(meta!, 'opts.maxLenEvents', '1000');
    await redis.set(check!, '1', 'PX', 15_000);
    await redis.set(lock!, 'token', 'PX', 30_000);
    await unregisterRun(redis, 'r', async () => true);
    const [forgotten, looked, locked] = await ends();
    assert.ok(forgotten! > 3_000_000 && forgotten! <= 3_600_000, String(forgotten));
    assert.ok(looked! <= 15_000 && locked! <= 30_000, `${looked} ${locked}`);
    await registerRun(redis, entry);
    const [kept, ...others] = await ends();
    assert.equal(kept, -1);
    assert.ok(
      others.every((ms) => ms > 0),
      others.join(' '),
    );
  }));

test('a run that is added to while a late worker takes it off the list stays on it, with its queue', () =>
  withRedis(async ({ redis }) => {
    const entry = { runId: 'r', out: '/data/out', createdAt: '2026-01-01T00:00:00.000Z', shards: 3 };
    const meta = 'bull:posecast-r:meta';
    await redis.hset(meta, 'opts.maxLenEvents', '1000');
    await seedProgress(redis, 'r', { shardsDone: 2, faces: 8 });
    // As many shards as before: retry-failed.
    for (const generation of [0, 1, 2]) {
      const later = { ...entry, generation: generation + 1 };
      await registerRun(redis, { ...entry, generation });
      await unregisterRun(redis, 'r', async () => {
        await registerRun(redis, later);
        return true;
      });
      assert.deepEqual(await listRuns(redis), [later]);
      assert.equal(await redis.pttl(meta), -1);
      assert.equal(await redis.pttl('posecast:r:progress'), -1, 'its counters do not end either');
    }
    await unregisterRun(redis, 'r', async () => false);
    assert.equal((await listRuns(redis)).length, 1, 'it was added to already');
    await unregisterRun(redis, 'r', async () => true);
    assert.deepEqual(await listRuns(redis), []);
    assert.ok((await redis.pttl('posecast:r:progress')) > 0);
    // Of another worker of the complete run.
    await redis.hset('bull:posecast-r:completed', 'shard-1', '1');
    await unregisterRun(redis, 'r', async () => true);
    assert.ok((await redis.pttl('bull:posecast-r:completed')) > 0);
  }));

test('the list is read with what an older posecast left on it, which is taken off as well', () =>
  withRedis(async ({ redis }) => {
    const entry = { out: '/data/out', createdAt: '2026-01-01T00:00:00.000Z', shards: 3 };
    await redis.hset('posecast:runs', 'r', JSON.stringify(entry));
    assert.deepEqual(await listRuns(redis), [{ runId: 'r', ...entry }]);
    await unregisterRun(redis, 'r', async () => true);
    assert.deepEqual(await listRuns(redis), []);
  }));
