/** A pause is kept in OUT: it holds every worker and outlives all of them, and Redis. */
import assert from 'node:assert/strict';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { enqueueShards } from '../../src/producer/enqueueShards.ts';
import { planRun } from '../../src/producer/planRun.ts';
import { createReleasers } from '../../src/shared/async/releasers.ts';
import { parseRunConfig } from '../../src/shared/config.ts';
import { readPlan } from '../../src/shared/listing/shardPlan.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { openShardQueue } from '../../src/shared/redis/queue.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { openShardContext } from '../../src/worker/openShardContext.ts';
import { openRunAssets } from '../../src/worker/runAssets.ts';
import { startRunWorker } from '../../src/worker/work.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { repeatedSamples } from '../helpers/repeatedSamples.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { commits, until } from '../helpers/until.ts';
import { metricsUrl, scrape } from '../observe/scrape.ts';

const samples = join(packageRoot, 'samples', 'london');
/** Two faces a shard, one person each: 12 shards. */
const options = ['--variants', '1', '--shard-faces', '2'];
const slow = ['--threads', '1', '--batch', '1'];

/** The number of commits once it has not changed for two seconds: longer than any shard of two faces takes. */
async function settled(out: string): Promise<number> {
  let [found, since] = [await commits(out), Date.now()];
  while (Date.now() - since < 2_000) {
    await sleep(100);
    const now = await commits(out);
    if (now !== found) [found, since] = [now, Date.now()];
  }
  return found;
}

test('a paused run takes no new shard, says so, outlives a kill, and goes on when it is resumed', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    const corpus = await repeatedSamples(join(folder, 'corpus'), 4);
    const args = ['run', corpus, out, ...options, '--json'];
    const first = startPosecast([...args, ...slow]);
    await until('a commit', first, async () => (await commits(out)) > 0);
    const paused = await posecast(['pause', out]);
    assert.equal(paused.code, 0, paused.stderr);
    assert.match(paused.stdout, /is paused since .*posecast resume/);
    await until('a paused line', first, () => first.output().includes('"paused":true'));
    const done = await settled(out);
    assert.ok(done < 48, `${done} of 48 shards`);
    assert.equal(first.child.exitCode, null, 'the paused run waits');

    const status = await posecast(['status', out]);
    assert.match(status.stdout, /state +paused since \d{4}-/);
    first.child.kill('SIGKILL');
    await first.done;
    // A Redis of its own, empty: OUT alone knows of the pause.
    const second = startPosecast(args);
    await until('a paused line', second, () => second.output().includes('"paused":true'));
    assert.equal(await settled(out), done);
    const resumed = await posecast(['resume', out]);
    assert.match(resumed.stdout, /goes on/);
    const ended = await second.done;
    assert.equal(ended.code, 0, ended.stderr);
    assert.equal((await posecast(['verify', out])).code, 0);
    await assert.rejects(access(join(out, 'paused.json')), { code: 'ENOENT' });
  }));

test('a pause by run id holds workers on a shared Redis, also after the Redis was emptied', () =>
  withRedis(({ url, redis }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const out = join(folder, 'out');
      const submit = ['submit', samples, out, ...options];
      const submitted = await posecast([...submit, '--json'], env);
      const { runId } = JSON.parse(submitted.stdout) as { runId: string };
      assert.equal((await posecast(['pause', runId], env)).code, 0);
      assert.equal((await posecast(['pause', runId], env)).code, 0, 'pausing twice is pausing once');
      await redis.flushall();
      assert.equal((await posecast(submit, env)).code, 0);
      const worker = startPosecast(['work', out, ...slow], env);
      await until('the note of the pause', worker, () => worker.output().includes('paused; to go on'));
      assert.equal(await settled(out), 0);
      const status = await posecast(['status', runId, '--json'], env);
      const { state, pausedSince, queue } = JSON.parse(status.stdout);
      assert.deepEqual([state, queue.waiting, queue.workers.length], ['paused', 12, 1]);
      assert.ok(Date.parse(pausedSince) <= Date.now());
      assert.equal((await posecast(['resume', runId], env)).code, 0);
      assert.equal((await worker.done).code, 0);
      assert.equal((await posecast(['verify', out])).code, 0);
    }),
  ));

test('a shard that comes to an idle worker after it was paused goes back to the queue unburnt, once', () =>
  withRedis(({ redis }) =>
    withTempFolder(async (folder) => {
      const releasers = createReleasers();
      try {
        const out = join(folder, 'out');
        const store = await openStore(out);
        const corpus = { corpus: samples, corpusFormat: 'folder', imageRoot: samples } as const;
        const config = parseRunConfig({ ...corpus, variants: 0, shardFaces: 12 });
        const assets = await openRunAssets(config, () => undefined);
        const { run } = await planRun(config, store, { models: assets.runModels });
        const queue = openShardQueue(redis, run.runId);
        releasers.push('queue', () => queue.close());
        const compute = { device: 'cpu', threads: 1, batchFaces: 4 } as const;
        const context = await openShardContext(run, store, assets, compute, releasers);
        const taken: string[] = [];
        const worker = startRunWorker({
          redis,
          context,
          warn: (line) => assert.fail(line),
          observer: { shardEnded: ({ outcome }) => taken.push(outcome) },
        });
        releasers.push('worker', () => worker.close());
        // Asks Redis for a job and is not answered: the queue is empty.
        while (!/cmd=bzpopmin/.test(String(await redis.client('LIST')))) await sleep(20);
        const asked = worker.consumedAt();
        worker.setPaused(true);
        const specs = async function* () {
          for await (const { spec } of readPlan(store, run.runId)) yield spec;
        };
        await enqueueShards(queue, specs(), { committed: new Set<number>() });
        while (worker.consumedAt() === asked) await sleep(20);
        while (worker.inWork() + (await queue.getActiveCount()) > 0) await sleep(20);
        // Long enough for a worker that takes it again.
        await sleep(500);
        assert.deepEqual([await commits(out), taken], [0, ['handed-back']]);
        const waiting = await queue.getWaiting();
        assert.deepEqual(
          waiting.map((job) => job.attemptsMade),
          [0, 0],
        );
        worker.setPaused(false);
        while ((await commits(out)) < 2) await sleep(20);
      } finally {
        await releasers.release();
      }
    }),
  ));

test('a worker without OUT leaves a paused run for the next one, and says at its end that it is left', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const [held, free] = [join(folder, 'held'), join(folder, 'free')];
      for (const out of [held, free])
        assert.equal((await posecast(['submit', samples, out, ...options], env)).code, 0);
      assert.equal((await posecast(['pause', held])).code, 0);
      const worker = await posecast(['work', '--once'], env);
      assert.equal(worker.code, 0, worker.stderr);
      assert.deepEqual([await commits(held), await commits(free)], [0, 12]);
      const goOn = `1 run is paused and left as it is; go on with: posecast resume ${held}\n`;
      assert.ok(worker.stdout.endsWith(goOn), worker.stdout);
      const again = await posecast(['work', '--once', '--json'], env);
      const { event, paused, runs } = JSON.parse(again.stdout);
      assert.deepEqual([event, paused, runs[0].out], ['runs-paused', 1, held]);
    }),
  ));

test('a worker without OUT whose only run is paused says so in its metrics', () =>
  withRedis(({ url: redis }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: redis };
      const out = join(folder, 'out');
      assert.equal((await posecast(['submit', samples, out, ...options], env)).code, 0);
      assert.equal((await posecast(['pause', out])).code, 0);
      const worker = startPosecast(['work', '--threads', '1', '--metrics-port', '0'], env);
      const url = await metricsUrl(worker);
      const paused = async () => (await scrape(`${url}/metrics`)).get('posecast_paused');
      await until('the pause', worker, async () => (await paused()) === 1);
      assert.equal((await posecast(['resume', out])).code, 0);
      await until('the end of the run', worker, () => worker.output().includes('is complete'));
      assert.notEqual(await paused(), 1);
      worker.child.kill('SIGTERM');
      assert.equal((await worker.done).code, 0);
    }),
  ));

test('what cannot be paused is refused in one line', () =>
  withTempFolder(async (folder) => {
    const nowhere = await posecast(['pause', folder]);
    assert.equal(nowhere.code, 2);
    assert.match(nowhere.stderr, /expected a posecast run, found no run\.json/);
    const unknown = await posecast(['resume', '20260101T000000-abcdef']);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /expected a Redis/);
    const out = join(folder, 'out');
    assert.equal((await posecast(['run', samples, out, '--variants', '0'])).code, 0);
    const finished = await posecast(['pause', out]);
    assert.equal(finished.code, 2);
    assert.match(finished.stderr, /unfinished run, this one is complete/);
    assert.match((await posecast(['resume', out])).stdout, /was not paused/);
  }));
