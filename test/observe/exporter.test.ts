/** `posecast exporter`: how much work there is, also while nobody works and while Redis is away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnrecoverableError, Worker } from 'bullmq';
import { enqueueShards } from '../../src/producer/enqueueShards.ts';
import { sayAlive } from '../../src/shared/redis/liveWorkers.ts';
import { openShardQueue, queueName } from '../../src/shared/redis/queue.ts';
import { registerRun, unregisterRun } from '../../src/shared/redis/runList.ts';
import { seedProgress } from '../../src/shared/redis/runProgress.ts';
import type { ShardSpec } from '../../src/shared/shard.ts';
import { posecast } from '../helpers/cli.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { metricsUrl, scrape, withPosecast } from './scrape.ts';

const RUN = '20261125T220000-abcdef';

async function* specs(count: number): AsyncGenerator<ShardSpec> {
  for (let index = 0; index < count; index++) {
    const rows = { rowStart: index, rowEnd: index + 1, subjects: 1, firstClassIndex: index };
    yield { runId: RUN, index, part: 'listing/part-0.parquet', ...rows };
  }
}

test('queued shards are told to Prometheus and to a scaler, one process for all runs', () =>
  withRedis(async ({ url, redis, server }) => {
    await withPosecast(['exporter', '--port', '0'], { REDIS_URL: url }, async (exporter) => {
      const at = await metricsUrl(exporter);
      const pending = async () => (await (await fetch(`${at}/queue.json`)).json()) as Record<string, number>;
      const none = { pending: 0, waiting: 0, active: 0, delayed: 0, failed: 0, runs: 0 };
      assert.deepEqual(await pending(), none);

      await registerRun(redis, { runId: RUN, out: '/out', createdAt: '2026-11-25T22:00:00Z', shards: 9 });
      // Somebody has to queue what is missing, or to do the last step.
      assert.deepEqual(await pending(), { ...none, pending: 1, runs: 1 });
      assert.deepEqual(await redis.keys('bull:*'), [], 'looking leaves nothing in Redis');
      await seedProgress(redis, RUN, { shardsDone: 2, faces: 2, rejects: 0, variants: 0 });
      await sayAlive(redis, RUN, { workerId: 'w', host: 'h', pid: 1, device: 'cpu' });
      const queue = openShardQueue(redis, RUN);
      await enqueueShards(queue, specs(7), { committed: new Set() });
      assert.deepEqual(await pending(), { ...none, pending: 7, waiting: 7, runs: 1 });
      const series = await scrape(`${at}/metrics`);
      const expected = {
        posecast_redis_connected: 1,
        posecast_runs: 1,
        [`posecast_queue_jobs{run="${RUN}",state="waiting"}`]: 7,
        [`posecast_queue_jobs{run="${RUN}",state="failed"}`]: 0,
        [`posecast_run_shards{run="${RUN}"}`]: 9,
        [`posecast_run_shards_done{run="${RUN}"}`]: 2,
        [`posecast_run_workers{run="${RUN}"}`]: 1,
      };
      assert.deepEqual(
        Object.fromEntries(Object.keys(expected).map((name) => [name, series.get(name)])),
        expected,
      );

      const other = new Worker(queueName(RUN), null, { connection: redis, autorun: false });
      for (let taken = 0; taken < 7; taken++) {
        const job = await other.getNextJob('token');
        const failed = taken === 0 ? job?.moveToFailed(new UnrecoverableError('broken'), 'token') : undefined;
        await (failed ?? job?.moveToCompleted('committed', 'token', false));
      }
      await other.close();
      const failing = { ...none, failed: 1, runs: 1 };
      const done = (shardsDone: number) =>
        seedProgress(redis, RUN, { shardsDone, faces: shardsDone, rejects: 0, variants: 0 });
      await done(7);
      assert.deepEqual(await pending(), { ...failing, pending: 1 }, 'one of two was never queued');
      await done(8);
      assert.deepEqual(await pending(), failing, 'a worker could do nothing for a run that failed');
      await done(9);
      assert.deepEqual(await pending(), { ...failing, pending: 1 }, 'the last step is not done');

      await queue.close();
      await unregisterRun(redis, RUN, async () => true);
      assert.deepEqual(await pending(), none);
      assert.equal((await scrape(`${at}/metrics`)).get(`posecast_run_shards{run="${RUN}"}`), undefined);

      await server.close();
      const [without, scaler] = await Promise.all([scrape(`${at}/metrics`), fetch(`${at}/queue.json`)]);
      assert.equal(without.get('posecast_redis_connected'), 0);
      assert.equal(without.get('posecast_runs'), undefined, 'unknown is not zero');
      assert.equal(scaler.status, 500, 'a scaler must not take an unknown queue for an empty one');
      exporter.child.kill('SIGTERM');
      assert.equal((await exporter.done).code, 0);
    });
  }));

test('an exporter without a Redis is refused', async () => {
  const ran = await posecast(['exporter', '--port', '0']);
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /expected --redis or REDIS_URL, found neither/);
});

test('a port that the exporter cannot have is named by its own option', () =>
  withRedis(async ({ url }) => {
    const refused = await posecast(['exporter', '--port', new URL(url).port], { REDIS_URL: url });
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, / --port: expected a port that is free, found one in use /);
    // One of the addresses for documents: no machine has them.
    const away = await posecast(['exporter', '--redis', url, '--port', '0', '--host', '192.0.2.1']);
    assert.equal(away.code, 2);
    assert.match(away.stderr, / --host: expected an address of this machine, found one of another machine /);
  }));
