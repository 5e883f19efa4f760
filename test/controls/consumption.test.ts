/** A worker that does not consume although it should is noticed, from inside and from outside. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../src/shared/package.ts';
import { openConsumptionWatch } from '../../src/worker/queue/consumptionWatch.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { commits, until } from '../helpers/until.ts';
import { poisoned } from './poisoned.ts';

const photograph = join(packageRoot, 'samples', 'london', '001', 'neutral.jpg');

test('a worker that makes no progress says so and exits with 1; its liveness file has not been touched since', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url, ...poisoned({ reading: 'hang', locks: 'short' }) };
      const [corpus, out, alive] = ['corpus', 'out', 'alive'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      for (const person of ['poison-1', 'poison-2']) {
        await mkdir(join(corpus, person), { recursive: true });
        await copyFile(photograph, join(corpus, person, 'a.jpg'));
      }
      const submit = ['submit', corpus, out, '--variants', '0', '--shard-faces', '1'];
      assert.equal((await posecast(submit, env)).code, 0);
      const worker = startPosecast(
        ['work', out, '--stuck-after', '15', '--liveness-file', alive, '--json'],
        env,
      );
      await until('the work', worker, () => worker.output().includes('progress'));
      await sleep(6_000);
      const touched = await readFile(alive, 'utf8');
      const ended = await worker.done;
      assert.equal(ended.code, 1, ended.stderr);
      assert.match(ended.stderr, /requested no job and made no progress; restart it.*shardsInWork=2/);
      assert.equal(await readFile(alive, 'utf8'), touched);
      // The shards of a worker that ended like this are done by the next one.
      const next = await posecast(['work', out], { REDIS_URL: url, ...poisoned({ locks: 'short' }) });
      assert.equal(next.code, 0, next.stderr);
      assert.equal(await commits(out), 2);
    }),
  ));

test('the liveness file of an idle worker is touched again and again, because it asks Redis for jobs', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const alive = join(folder, 'alive');
      const worker = startPosecast(['work', '--liveness-file', alive], { REDIS_URL: url });
      const read = () => readFile(alive, 'utf8').catch(() => '');
      await until('the file', worker, async () => (await read()) !== '');
      const first = await read();
      await until('a new time in the file', worker, async () => (await read()) !== first);
      worker.child.kill('SIGTERM');
      assert.equal((await worker.done).code, 0);
      const nowhere = join(folder, 'nowhere', 'alive');
      const refused = await posecast(['work', '--liveness-file', nowhere], { REDIS_URL: url });
      assert.equal(refused.code, 2);
      assert.match(refused.stderr, /--liveness-file: expected a file that can be written/);
    }),
  ));

test('an idle worker keeps nothing of its looks for runs', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const alive = join(folder, 'alive');
      const NODE_OPTIONS = `--import=${new URL('./composedSignals.js', import.meta.url)}`;
      const worker = startPosecast(['work', '--liveness-file', alive], { REDIS_URL: url, NODE_OPTIONS });
      const read = () => readFile(alive, 'utf8').catch(() => '');
      const look = async () => {
        const before = await read();
        await until('a look', worker, async () => (await read()) !== before);
      };
      const composed = () => worker.output().split('a signal is composed').length - 1;
      await look();
      await look();
      const before = composed();
      await look();
      await look();
      assert.equal(composed(), before);
      worker.child.kill('SIGTERM');
      assert.equal((await worker.done).code, 0);
    }),
  ));

test('quiet is counted only while there is a reason to consume, and by looks, so that a machine may sleep', async (t) => {
  let consumedAt = 1;
  let excuse: 'paused' | 'no-redis' | undefined = 'no-redis';
  let alive = 0;
  const stuck: number[] = [];
  const watch = openConsumptionWatch({
    consumedAt: () => consumedAt,
    excuse: () => excuse,
    limitMs: 100,
    lookMs: 10,
    onStuck: (quietMs) => stuck.push(quietMs),
    onAlive: () => {
      alive++;
    },
  });
  t.after(() => watch.close());
  await sleep(300);
  assert.deepEqual([stuck, alive], [[], 1], 'waiting for Redis is no sign of life, and not stuck');
  excuse = 'paused';
  await sleep(300);
  assert.deepEqual(stuck, []);
  assert.ok(alive > 1, 'a paused worker is alive');
  excuse = undefined;
  for (let i = 0; i < 20; i++) {
    consumedAt++;
    await sleep(20);
  }
  assert.deepEqual(stuck, []);
  await sleep(500);
  assert.deepEqual(stuck, [100], 'told once');
});

test('a worker that is paused, or was quiet at no look, is not stuck, however short the time is', async (t) => {
  let consumedAt = 1;
  const stuck: number[] = [];
  for (const [excuse, consumed] of [
    ['paused', () => 1],
    [undefined, () => consumedAt++],
  ] as const) {
    const watch = openConsumptionWatch({
      consumedAt: consumed,
      excuse: () => excuse,
      limitMs: 0,
      lookMs: 10,
      onStuck: (quietMs) => stuck.push(quietMs),
    });
    t.after(() => watch.close());
  }
  await sleep(200);
  assert.deepEqual(stuck, []);
});
