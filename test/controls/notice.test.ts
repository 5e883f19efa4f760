/** A machine is taken away with two minutes' notice, or an orchestrator ends a worker: SIGTERM. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../src/shared/package.ts';
import { openShardQueue } from '../../src/shared/redis/queue.ts';
import { listRuns } from '../../src/shared/redis/runList.ts';
import { createShardPace } from '../../src/worker/queue/shardPace.ts';
import { remainingMs } from '../../src/worker/queue/shardsInWork.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { repeatedSamples } from '../helpers/repeatedSamples.ts';
import { type TestRedis, withRedis } from '../helpers/services/redis.ts';
import { type Fate, type S3Request, type S3Service, withS3 } from '../helpers/services/s3.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { commits, until } from '../helpers/until.ts';
import { poisoned } from './poisoned.ts';

const samples = join(packageRoot, 'samples', 'london');
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
      const { event, exitCode } = JSON.parse(ended.stdout.trim().split('\n').at(-1) ?? '');
      assert.deepEqual([event, exitCode], ['drained', 0], 'whoever reads the output hears of the end');
      assert.equal(await commits(out), 0);
      assert.deepEqual(await queueState(service), { attempts: [0], active: 0 });
      assert.equal((await posecast(['work', out], env)).code, 0);
      assert.equal((await posecast(['verify', out])).code, 0);
    }),
  ));

/** Holds the first such request until it is let go. */
function holdFirst(service: S3Service, matches: (request: S3Request) => boolean) {
  let arrived = false;
  let letGo = (): void => {};
  const free = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  service.fate = async (request): Promise<Fate> => {
    if (!arrived && matches(request)) {
      arrived = true;
      await free;
    }
    return 'pass';
  };
  return { arrived: () => arrived, letGo: () => letGo() };
}

const isManifest = ({ method, path }: S3Request) => method === 'PUT' && path.includes('manifest.json');

/** A run of one shard that Redis knows. */
const withOneShard = (body: (out: string, env: NodeJS.ProcessEnv, s3: S3Service) => Promise<void>) =>
  withRedis(({ url }) =>
    withS3({ conditionalPuts: true }, async (service) => {
      const env = { REDIS_URL: url, AWS_ENDPOINT_URL_S3: service.endpoint };
      const out = `s3://${service.bucket}/night`;
      assert.equal((await posecast(['submit', samples, out, '--variants', '0'], env)).code, 0);
      await body(out, env, service);
    }),
  );

test('the last step of a run that is under way at SIGTERM is finished when it fits into --grace', () =>
  withOneShard(async (out, env, s3) => {
    const { arrived, letGo } = holdFirst(s3, isManifest);
    const worker = startPosecast(['work', out, '--threads', '1', '--grace', '600'], env);
    await until('the last step', worker, arrived);
    worker.child.kill('SIGTERM');
    await until('the notice', worker, () => worker.output().includes('to be finished'));
    // Long enough for a worker that does not wait for it.
    await sleep(1_000);
    letGo();
    const ended = await worker.done;
    assert.equal(ended.code, 0, ended.stderr);
    assert.equal((await posecast(['verify', out], env)).code, 0);
  }));

test('a last step that does not fit into --grace is left to another worker', () =>
  withOneShard(async (out, env, s3) => {
    const { arrived, letGo } = holdFirst(s3, isManifest);
    const worker = startPosecast(['work', out, '--threads', '1', '--grace', '1'], env);
    await until('the last step', worker, arrived);
    worker.child.kill('SIGTERM');
    const ended = await worker.done;
    letGo();
    assert.equal(ended.code, 0, ended.stderr);
    assert.doesNotMatch(ended.stderr, /is complete/);
    assert.equal((await posecast(['work', out], env)).code, 0);
    assert.equal((await posecast(['verify', out], env)).code, 0);
  }));

test('SIGTERM between the end of the last shard and the last step: the worker makes the run complete', () =>
  withOneShard(async (out, env, s3) => {
    const isCommit = ({ method, path }: S3Request) => method === 'PUT' && path.includes('/commits/');
    // The question that comes before the last step: the shard has ended, and the last step is not under way.
    const isLook = ({ path }: S3Request) => path.includes('_SUCCESS') && s3.requests.some(isCommit);
    const { arrived, letGo } = holdFirst(s3, isLook);
    const worker = startPosecast(['work', out, '--threads', '1', '--grace', '600'], env);
    await until('the look', worker, arrived);
    worker.child.kill('SIGTERM');
    const ended = await worker.done;
    letGo();
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stderr, /is complete/);
    assert.equal((await posecast(['verify', out], env)).code, 0);
  }));

test('a pause during the last step of a run leaves a worker without OUT to finish it', () =>
  withOneShard(async (out, env, s3) => {
    const { arrived, letGo } = holdFirst(s3, isManifest);
    const worker = startPosecast(['work', '--threads', '1'], env);
    await until('the last step', worker, arrived);
    assert.equal((await posecast(['pause', out], env)).code, 0);
    await until('the pause', worker, () => worker.output().includes('paused; to go on'));
    await sleep(1_000);
    letGo();
    await until('the end of the run', worker, () => worker.output().includes('is complete'));
    worker.child.kill('SIGTERM');
    assert.equal((await worker.done).code, 0);
    assert.equal((await posecast(['verify', out], env)).code, 0);
  }));

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
