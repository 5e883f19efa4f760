/** Runs that nobody is going to finish leave Redis by a command. */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { sayAlive } from '../../src/shared/redis/liveWorkers.ts';
import { listRuns } from '../../src/shared/redis/runList.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { repeatedSamples } from '../helpers/repeatedSamples.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { commits, until } from '../helpers/until.ts';

const samples = join(packageRoot, 'samples', 'london');
const options = ['--variants', '0', '--shard-faces', '2'];

async function submitted(out: string, env: Record<string, string>): Promise<string> {
  assert.equal((await posecast(['submit', samples, out, ...options], env)).code, 0);
  return JSON.parse(await readFile(join(out, 'run.json'), 'utf8')).runId;
}

test('a run whose OUT was deleted is forgotten, and workers without OUT do not mind it any more', () =>
  withRedis(({ url, redis }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const out = join(folder, 'out');
      const runId = await submitted(out, env);
      await rm(out, { recursive: true });
      const { stderr } = await posecast(['work', '--once'], env);
      assert.match(
        stderr,
        new RegExp(`skipping run ${runId}: .*; to drop it for good: posecast forget ${runId}`),
      );
      const forgotten = await posecast(['forget', runId, '--json'], env);
      assert.equal(forgotten.code, 0, forgotten.stderr);
      assert.deepEqual(JSON.parse(forgotten.stdout), { event: 'forgotten', runId, out });
      assert.deepEqual(await listRuns(redis), []);
      const lasting = (await redis.keys(`*${runId}*`)).map(
        async (key) => [key, await redis.pttl(key)] as const,
      );
      for (const [key, endsInMs] of await Promise.all(lasting)) assert.notEqual(endsInMs, -1, `${key} stays`);
      const worked = await posecast(['work', '--once'], env);
      assert.equal(worked.code, 0, worked.stderr);
      assert.doesNotMatch(worked.stderr, /skipping run/);
    }),
  ));

test('a run whose OUT is deleted while it is worked on is passed over; the next one is done, and it can be forgotten', () =>
  withRedis(({ url, redis }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const [out, next] = [join(folder, 'out'), join(folder, 'next')];
      const corpus = await repeatedSamples(join(folder, 'corpus'), 2);
      assert.equal((await posecast(['submit', corpus, out, ...options], env)).code, 0);
      const { runId } = JSON.parse(await readFile(join(out, 'run.json'), 'utf8'));
      await submitted(next, env);
      const worker = startPosecast(['work', '--threads', '1', '--batch', '1'], env);
      await until('a commit', worker, async () => (await commits(out)) > 0);
      await rm(out, { recursive: true, maxRetries: 10 });
      await until('the next run', worker, () => worker.output().includes('is complete'));
      assert.equal((await posecast(['verify', next])).code, 0);
      const forgotten = await posecast(['forget', runId], env);
      assert.equal(forgotten.code, 0, forgotten.stderr);
      assert.deepEqual(await listRuns(redis), []);
      worker.child.kill('SIGTERM');
      const { code, stderr } = await worker.done;
      assert.equal(code, 0, stderr);
      assert.match(
        stderr,
        new RegExp(
          `skipping run ${runId}: .*OUT was deleted, moved or is not mounted here; .*: posecast forget ${runId}`,
        ),
      );
    }),
  ));

test('a forgotten run whose OUT is there is taken up again by the command that started it', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const out = join(folder, 'out');
      const runId = await submitted(out, env);
      assert.equal((await posecast(['forget', runId], env)).code, 0);
      assert.equal(await submitted(out, env), runId);
      assert.equal((await posecast(['work', '--once'], env)).code, 0);
      assert.equal((await posecast(['verify', out])).code, 0);
    }),
  ));

test('a run that was forgotten is on the list again with its queue as soon as a worker is given its OUT', () =>
  withRedis(({ url, redis }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const out = join(folder, 'out');
      const runId = await submitted(out, env);
      const listed = await listRuns(redis);
      const ends = async () =>
        Promise.all((await redis.keys(`bull:posecast-${runId}:shard-*`)).map((key) => redis.ttl(key)));
      assert.equal((await posecast(['forget', runId], env)).code, 0);
      assert.ok((await ends()).every((seconds) => seconds > 0));
      // It takes no shard, so that no key is a lock.
      assert.equal((await posecast(['pause', out])).code, 0);
      const worker = startPosecast(['work', out], env);
      await until('the pause', worker, () => worker.output().includes('paused'));
      assert.deepEqual(await listRuns(redis), listed);
      assert.deepEqual(await ends(), Array(12).fill(-1));
      worker.child.kill('SIGTERM');
      assert.equal((await worker.done).code, 0, worker.output());
    }),
  ));

test('a run that workers are at work on, and one that Redis does not know, are not forgotten', () =>
  withRedis(({ url, redis }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const runId = await submitted(join(folder, 'out'), env);
      await sayAlive(redis, runId, { workerId: 'w', host: 'node-7', pid: 4711, device: 'cpu' });
      const refused = await posecast(['forget', runId], env);
      assert.equal(refused.code, 2);
      assert.match(refused.stderr, /found 1; end them first \[runId=\S+, host=node-7, pid=4711\]/);
      assert.equal((await listRuns(redis)).length, 1);
      const unknown = await posecast(['forget', '20261123T220000-1a2b3c'], env);
      assert.equal(unknown.code, 2);
      assert.match(unknown.stderr, /Redis knows no such run/);
    }),
  ));

test('a producer that waits for a run says that it was forgotten, and ends; started again, it goes on', () =>
  withRedis(({ url, redis }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const out = join(folder, 'out');
      const submit = ['submit', samples, out, ...options, '--wait'];
      const producer = startPosecast(submit, env);
      await until('the queue', producer, () => producer.output().includes('queued 12 of 12'));
      const runId = (await listRuns(redis))[0]?.runId ?? '';
      assert.equal((await posecast(['forget', runId], env)).code, 0);
      const { code, stderr } = await producer.done;
      assert.equal(code, 1, stderr);
      assert.match(
        stderr,
        new RegExp(
          `submit: expected run ${runId} on the list of Redis, found it taken off .*posecast forget`,
        ),
      );
      const again = startPosecast(submit, env);
      await until('the queue', again, () =>
        again.output().includes('queued 0 of 12 shards (0 were committed already, 12 in the queue)'),
      );
      // A Redis that was emptied has forgotten nothing that somebody wanted forgotten.
      await redis.flushall();
      await submitted(out, env);
      assert.equal((await posecast(['work', out], env)).code, 0);
      const ended = await again.done;
      assert.equal(ended.code, 0, ended.stderr);
    }),
  ));
