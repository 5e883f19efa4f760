/** A machine is taken away with two minutes' notice, or an orchestrator ends a worker: SIGTERM. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { openShardQueue } from '../../src/shared/queue.ts';
import { listRuns } from '../../src/shared/redisRuns.ts';
import { createShardPace } from '../../src/worker/shardPace.ts';
import { remainingMs } from '../../src/worker/shardsInWork.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { repeatedSamples } from '../helpers/repeatedSamples.ts';
import { type TestRedis, withRedis } from '../helpers/services/redis.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { poisoned } from './poisoned.ts';
import { commits, until } from './until.ts';

const slow = ['--threads', '1', '--batch', '1'];

/** Waiting jobs with the attempts they have used, and how many are active. */
async function queueState({ redis }: TestRedis): Promise<{ attempts: number[]; active: number }> {
  const [run] = await listRuns(redis);
  const queue = openShardQueue(redis, run?.runId ?? '');
  try {
    const attempts = (await queue.getWaiting()).map((job) => job.attemptsMade);
    return { attempts, active: await queue.getActiveCount() };
  } finally {
    await queue.close();
  }
}

test('after SIGTERM no shard is taken, those in work are finished when they fit into --grace, and the exit code is 0', () =>
  withRedis((service) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: service.url };
      const out = join(folder, 'out');
      const corpus = await repeatedSamples(join(folder, 'corpus'), 4);
      const submit = ['submit', corpus, out, '--variants', '0', '--shard-faces', '12'];
      assert.equal((await posecast(submit, env)).code, 0);
      const worker = startPosecast(['work', out, ...slow, '--grace', '600'], env);
      await until('a commit', worker, async () => (await commits(out)) > 0);
      worker.child.kill('SIGTERM');
      const ended = await worker.done;
      assert.equal(ended.code, 0, ended.stderr);
      const [, finishing = ''] = /(\d) to be finished, 0 handed back/.exec(ended.stderr) ?? [];
      assert.notEqual(finishing, '', ended.stderr);
      const done = await commits(out);
      assert.ok(done < 8, `${done} of 8 shards: no new ones were taken`);
      const { attempts, active } = await queueState(service);
      assert.equal(active, 0, 'nothing waits for a lock to run out');
      assert.deepEqual(attempts, Array(8 - done).fill(0));
      assert.equal((await posecast(['work', out], env)).code, 0);
      assert.equal((await posecast(['verify', out])).code, 0);
    }),
  ));

test('a shard that does not fit into --grace is handed back at once, unburnt, and done by another worker', () =>
  withRedis((service) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: service.url };
      const out = join(folder, 'out');
      const corpus = await repeatedSamples(join(folder, 'corpus'), 5);
      assert.equal((await posecast(['submit', corpus, out, '--variants', '0'], env)).code, 0);
      const worker = startPosecast(['work', out, ...slow, '--grace', '1', '--json'], env);
      await until('a face', worker, () => /"faces":[1-9]/.test(worker.output()));
      worker.child.kill('SIGTERM');
      const ended = await worker.done;
      assert.equal(ended.code, 0, ended.stderr);
      assert.match(ended.stderr, /0 to be finished, 1 handed back/);
      assert.equal(await commits(out), 0);
      assert.deepEqual(await queueState(service), { attempts: [0], active: 0 });
      assert.equal((await posecast(['work', out], env)).code, 0);
      assert.equal((await posecast(['verify', out])).code, 0);
    }),
  ));

test('a second signal ends a worker at once, whatever is in work', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url, ...poisoned({ reading: 'hang' }) };
      const [corpus, out] = [join(folder, 'corpus'), join(folder, 'out')];
      await mkdir(join(corpus, 'poison'), { recursive: true });
      const photograph = join(packageRoot, 'samples', 'london', '001', 'neutral.jpg');
      await copyFile(photograph, join(corpus, 'poison', 'a.jpg'));
      assert.equal((await posecast(['submit', corpus, out, '--variants', '0'], env)).code, 0);
      // Without the second signal it would wait for the shard until the test fails.
      const worker = startPosecast(['work', out, '--grace', '3600', '--json'], env);
      await until('the work', worker, () => worker.output().includes('progress'));
      worker.child.kill('SIGTERM');
      await until('the notice', worker, () => worker.output().includes('to be finished'));
      worker.child.kill('SIGTERM');
      assert.equal((await worker.done).code, 130);
    }),
  ));

test('a worker without a run goes at once with exit code 0, and Ctrl-C is still an interruption', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      for (const [signal, code] of [
        ['SIGTERM', 0],
        ['SIGINT', 130],
      ] as const) {
        const alive = join(folder, signal);
        const worker = startPosecast(['work', '--liveness-file', alive], { REDIS_URL: url });
        await until('the start', worker, () => existsSync(alive));
        worker.child.kill(signal);
        assert.equal((await worker.done).code, code);
      }
    }),
  ));

test('what a shard still takes is told by its own pace and by the shards before, whichever is longer', () => {
  const pace = createShardPace();
  assert.equal(remainingMs({ faces: 100, facesDone: 0, elapsedMs: 5_000 }, pace), 0, 'unknown: it is tried');
  assert.equal(remainingMs({ faces: 100, facesDone: 20, elapsedMs: 5_000 }, pace), 20_000);
  pace.add({ faces: 100, ms: 8_000 });
  assert.equal(remainingMs({ faces: 100, facesDone: 100, elapsedMs: 5_000 }, pace), 3_000);
  assert.equal(remainingMs({ faces: 100, facesDone: 20, elapsedMs: 5_000 }, pace), 20_000);
});
