/** What the pages say of a fleet that is larger than they can list. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'bullmq';
import { openRedisLink } from '../../src/dashboard/data/redisLink.ts';
import { jobId, openShardQueue, queueName, SHARD_JOB } from '../../src/shared/redis/queue.ts';
import type { ShardSpec } from '../../src/shared/shard.ts';
import { withDashboard } from '../helpers/dashboard.ts';
import { makeSampleRun, planSampleRun, sampleSpecs } from '../helpers/sampleRun.ts';
import { type TestRedis, withRedis } from '../helpers/services/redis.ts';
import { withFolderStore } from '../helpers/stores.ts';

const RUN = 'sample-run';

/** As workers say it, with the clock of the Redis. */
async function sayWorkers({ redis }: TestRedis, alive: number, silent: number): Promise<void> {
  const [seconds] = await redis.time();
  for (let i = 0; i < alive + silent; i++) {
    // Those that live are heard of for the whole of the test.
    const seenAt = 1_000 * (Number(seconds) + (i < alive ? 3_600 : -600));
    const host = `${i < alive ? 'alive' : 'silent'}-${i}`;
    await redis.hset(
      `posecast:${RUN}:workers`,
      host,
      JSON.stringify({ host, pid: 1, device: 'cuda', seenAt }),
    );
  }
}

test('a silent worker is shown however many others there are, and those that are not shown are counted by what they are', () =>
  withRedis((service) =>
    withFolderStore(async (store) => {
      await planSampleRun(store);
      await sayWorkers(service, 60, 25);
      await withDashboard([store.uri], { redis: service.url }, async ({ url }) => {
        const text = await (await fetch(`${url}runs/${RUN}/`)).text();
        assert.equal(text.match(/silent for/g)?.length, 20);
        assert.equal(text.match(/>alive-\d+ /g)?.length, 20);
        assert.match(text, /And 5 more silent, 40 more alive\./);
        assert.match(text, /data-value="workers">60</);
        await fetch(`${url}queues/api/queues`);
        assert.deepEqual(await service.redis.keys('bull:*'), [], 'looking leaves nothing in Redis');
      });
    }),
  ));

test('a container that was started again under its host name and pid is one worker: its commits are shown once', () =>
  withRedis(({ url: redis, redis: client }) =>
    withFolderStore(async (store) => {
      await makeSampleRun(store, { subjects: 4 });
      const [seconds] = await client.time();
      // Who commits a sample run is called so.
      const worker = { host: 'test', pid: 1, device: 'cpu' };
      for (const [id, age] of Object.entries({ running: -3_600, killed: 60, before: 600 })) {
        const seenAt = 1_000 * (Number(seconds) - age);
        await client.hset(`posecast:${RUN}:workers`, id, JSON.stringify({ ...worker, seenAt }));
      }
      const shown = () =>
        withDashboard([store.uri], { redis }, async ({ url }) => {
          const text = await (await fetch(`${url}runs/${RUN}/`)).text();
          return text.match(/<td class="text">test .*?<\/tr>/g) ?? [];
        });
      const [alive, ...others] = await shown();
      assert.match(alive ?? '', /data-label="shards">2<.*heard/);
      assert.deepEqual(others, []);
      await client.hdel(`posecast:${RUN}:workers`, 'running');
      const [silent, ...earlier] = await shown();
      assert.match(silent ?? '', /data-label="shards">2<.*data-since="\d+">1.min 0\d.s</);
      assert.deepEqual(earlier, []);
    }),
  ));

test('every shard in work is one on the page of the shards, and the ones in work for longest say for how long', () =>
  withRedis(({ url: redis, redis: client }) =>
    withFolderStore(async (store) => {
      const run = await planSampleRun(store, { subjects: 300 });
      const specs: ShardSpec[] = await sampleSpecs(store, run);
      const queue = openShardQueue(client, RUN);
      const connection = client.duplicate({ maxRetriesPerRequest: null });
      const worker = new Worker(queueName(RUN), null, { connection, autorun: false });
      const link = await openRedisLink(redis, (line) => assert.fail(line));
      try {
        await queue.addBulk(
          specs.map((data) => ({ name: SHARD_JOB, data, opts: { jobId: jobId(data.index) } })),
        );
        const taken: (string | undefined)[] = [];
        for (let i = 0; i < 130; i++) taken.push((await worker.getNextJob(`t${i}`))?.id);
        const view = await link.look(RUN);
        assert.deepEqual(
          view?.inWork.map(({ shard }) => jobId(shard)),
          taken,
        );
        assert.ok(view?.inWork.slice(0, 100).every(({ since }) => since !== undefined));
        await withDashboard([store.uri], { redis }, async ({ url }) => {
          const text = await (await fetch(`${url}runs/${RUN}/shards?state=in+work`)).text();
          assert.match(text, />in work 130</);
          assert.match(text, /130 in work/);
        });
      } finally {
        await link.close();
        await worker.close();
        await connection.quit();
        await queue.close();
      }
    }),
  ));
