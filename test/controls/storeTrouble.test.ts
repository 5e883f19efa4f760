/** OUT takes nothing more in the middle of a run: one clear line, nothing lost, and the same command goes on. */
import assert from 'node:assert/strict';
import { readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../src/shared/package.ts';
import { openShardQueue } from '../../src/shared/redis/queue.ts';
import { listRuns } from '../../src/shared/redis/runList.ts';
import { readShardCommit } from '../../src/shared/run/shardCommit.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { type Fate, type S3Request, withS3 } from '../helpers/services/s3.ts';
import { commits, until } from '../helpers/until.ts';
import { noSmallDisk, withSmallDisk } from './smallDisk.ts';

const samples = join(packageRoot, 'samples', 'london');
/** 12 shards of two faces, 100 kB each. */
const options = ['--variants', '40', '--shard-faces', '2', '--threads', '1'];
const skip = await noSmallDisk();

/** Every file that a commit names is there in full. */
async function assertCommitsHold(out: string): Promise<void> {
  const store = await openStore(out, { access: 'read' });
  for (let shard = 0; shard < 12; shard++) {
    const commit = await readShardCommit(store, shard);
    for (const file of [commit?.data, commit?.rejects, commit?.subjects]) {
      if (file) assert.equal((await store.head(file.key))?.bytes, file.bytes, file.key);
    }
  }
  await store.close();
}

test(
  'a full disk ends a run with exit code 1 and what to do; with room the same command finishes it',
  { skip },
  () =>
    withSmallDisk('600k', async ({ path, remount }) => {
      const out = join(path, 'out');
      const args = ['run', samples, out, ...options];
      const told = join(tmpdir(), `posecast-told-${process.pid}.json`);
      const full = await posecast([...args, '--on-finish', `cat > ${told}`]);
      assert.equal(full.code, 1, full.stdout + full.stderr);
      const { event, exitCode, code } = JSON.parse(await readFile(told, 'utf8'));
      await rm(told);
      assert.deepEqual([event, exitCode, code], ['store-unusable', 1, 'disk-full'], 'the hook hears of it');
      assert.match(full.stdout, /run \S+ stopped: OUT cannot be used; what is committed stays\n/);
      assert.match(
        full.stdout,
        /reason +output folder: expected room on the disk, found it full \[folder=\S+, key=/,
      );
      const [, done] = /shards +(\d+) of 12 committed/.exec(full.stdout) ?? [];
      assert.equal(Number(done), await commits(out));
      assert.ok(Number(done) > 0 && Number(done) < 12, full.stdout);
      assert.match(full.stdout, /to go on +posecast run /);
      assert.deepEqual(await readdir(join(out, 'failures')).catch(() => []), [], 'no shard is given up');
      await assertCommitsHold(out);
      await remount('size=64m');
      const resumed = await posecast(args);
      assert.equal(resumed.code, 0, resumed.stderr);
      assert.equal((await posecast(['verify', out])).code, 0);
    }),
);

test(
  'an OUT that becomes read-only ends a run in the same way, and one that is read-only is refused',
  { skip },
  () =>
    withSmallDisk('64m', async ({ path, remount }) => {
      const out = join(path, 'out');
      const args = ['run', samples, out, ...options, '--batch', '1', '--json'];
      const run = startPosecast(args);
      await until('a commit', run, async () => (await commits(out)) > 0);
      await remount('ro');
      const ended = await run.done;
      assert.equal(ended.code, 1, ended.stderr);
      const { event, code, message, shards } = JSON.parse(ended.stdout);
      assert.deepEqual([event, code, shards.total], ['store-unusable', 'not-writable', 12]);
      assert.match(message, /expected to write, found it read-only/);
      await assertCommitsHold(out);
      const refused = await posecast(args);
      assert.equal(refused.code, 2, refused.stderr);
      assert.match(refused.stderr, /folder cannot be written to/);
      await remount('rw');
      assert.equal((await posecast(args)).code, 0);
      assert.equal((await posecast(['verify', out])).code, 0);
    }),
);

test(
  'a full disk under the cache ends a pull in one line, and leaves nothing that would be taken for a model',
  { skip },
  () =>
    withSmallDisk('1m', async ({ path, remount }) => {
      const env = { POSECAST_CACHE: join(path, 'cache') };
      const full = await posecast(['models', 'pull', 'fr-feature'], env);
      assert.equal(full.code, 2, full.stdout + full.stderr);
      assert.match(full.stderr, /^posecast: .*(room|space)/m);
      assert.doesNotMatch(full.stderr, /\n +at /, 'no stack');
      await remount('size=256m');
      const pulled = await posecast(['models', 'pull', 'fr-feature'], env);
      assert.equal(pulled.code, 0, pulled.stderr);
      assert.equal((await posecast(['models', 'verify', 'fr-feature'], env)).code, 0);
    }),
);

const isCommit = ({ method, path }: S3Request) => method === 'PUT' && path.includes('/commits/');

/** After three commits every request meets this fate, until it is lifted. */
function afterThreeCommits(fate: Fate): { readonly of: (request: S3Request) => Fate; lift(): void } {
  let seen = 0;
  let lifted = false;
  return {
    of(request) {
      if (seen >= 3 && !lifted) return fate;
      if (isCommit(request)) seen++;
      return 'pass';
    },
    lift() {
      lifted = true;
    },
  };
}

test('a bucket that vanishes in the middle of a run: the worker stops with exit code 1, its shards unburnt, and another finishes', () =>
  withRedis(({ url, redis }) =>
    withS3({ conditionalPuts: true }, async (service) => {
      const env = { REDIS_URL: url, AWS_ENDPOINT_URL_S3: service.endpoint };
      const out = `s3://${service.bucket}/night`;
      const submit = ['submit', samples, out, '--variants', '0', '--shard-faces', '2'];
      assert.equal((await posecast(submit, env)).code, 0);
      const trouble = afterThreeCommits({ status: 404, code: 'NoSuchBucket' });
      service.fate = trouble.of;
      const worked = await posecast(['work', out, '--threads', '1', '--json'], env);
      assert.equal(worked.code, 1, worked.stderr);
      const told = JSON.parse(worked.stdout);
      assert.deepEqual([told.event, told.code], ['store-unusable', 'no-bucket']);
      assert.deepEqual(told.shards, { done: null, total: 12 }, 'nobody can tell');
      assert.match(told.message, /does not exist \(any more\) .*bucket=posecast-test/);

      const [run] = await listRuns(redis);
      const queue = openShardQueue(redis, run?.runId ?? '');
      const waiting = await queue.getWaiting();
      assert.ok(waiting.every(({ attemptsMade }) => attemptsMade === 0));
      assert.deepEqual([await queue.getFailedCount(), await queue.getActiveCount()], [0, 0]);
      await queue.close();
      const early = await posecast(['work', out], env);
      assert.equal(early.code, 2, 'a new worker is refused as long as it lasts');
      trouble.lift();
      assert.equal((await posecast(['work', out], env)).code, 0);
      assert.equal((await posecast(['verify', out], env)).code, 0);
    }),
  ));

test('credentials that expire in the middle of a run end it with exit code 1; with new ones the same command finishes it', () =>
  withS3({ conditionalPuts: true }, async (service) => {
    const env = { AWS_ENDPOINT_URL_S3: service.endpoint };
    const out = `s3://${service.bucket}/night`;
    const args = ['run', samples, out, '--variants', '0', '--shard-faces', '2', '--threads', '1'];
    const trouble = afterThreeCommits({ status: 400, code: 'ExpiredToken' });
    service.fate = trouble.of;
    const ran = await posecast(args, env);
    assert.equal(ran.code, 1, ran.stdout + ran.stderr);
    assert.match(ran.stdout, /reason +S3 credentials: expected valid ones, found them expired \[.*bucket=/);
    assert.match(ran.stdout, /shards +12; how many are committed cannot be read now/);
    trouble.lift();
    assert.equal((await posecast(args, env)).code, 0);
    assert.equal((await posecast(['verify', out], env)).code, 0);
  }));

test('a store that does not answer for a while is waited for, said once, and uses up no attempt', () =>
  withRedis(({ url }) =>
    withS3({ conditionalPuts: true }, async (service) => {
      const env = { REDIS_URL: url, AWS_ENDPOINT_URL_S3: service.endpoint };
      const out = `s3://${service.bucket}/night`;
      const submit = ['submit', samples, out, '--variants', '0', '--shard-faces', '2'];
      assert.equal((await posecast(submit, env)).code, 0);
      const trouble = afterThreeCommits({ status: 503, code: 'ServiceUnavailable' });
      service.fate = trouble.of;
      const worker = startPosecast(['work', out, '--threads', '1'], env);
      await until('the outage', worker, () => worker.output().includes('OUT does not answer'));
      // A shard that was tried again in this time would be said to have failed.
      await sleep(4_000);
      trouble.lift();
      const ended = await worker.done;
      assert.equal(ended.code, 0, ended.stderr);
      assert.equal([...ended.stderr.matchAll(/OUT does not answer/g)].length, 1, ended.stderr);
      assert.match(ended.stderr, /OUT does not answer, trying again \(S3 [\s\S]*OUT answers again/);
      assert.doesNotMatch(ended.stderr, /attempt/);
      assert.equal((await posecast(['verify', out], env)).code, 0);
    }),
  ));

test('a service that denies access for a moment does not end a run', () =>
  withS3({ conditionalPuts: true }, async (service) => {
    const env = { AWS_ENDPOINT_URL_S3: service.endpoint };
    let denied = 0;
    service.fate = (request) =>
      isCommit(request) && denied++ < 2 ? { status: 403, code: 'AccessDenied' } : 'pass';
    const out = `s3://${service.bucket}/night`;
    const ran = await posecast(['run', samples, out, '--variants', '0'], env);
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    assert.equal(denied, 3, 'two refusals and the commit');
  }));

test('a worker without OUT waits for the store of a paused run, and goes on with the run when it is resumed', () =>
  withRedis(({ url }) =>
    withS3({ conditionalPuts: true }, async (service) => {
      const env = { REDIS_URL: url, AWS_ENDPOINT_URL_S3: service.endpoint };
      const out = `s3://${service.bucket}/night`;
      assert.equal((await posecast(['submit', samples, out, '--variants', '0'], env)).code, 0);
      assert.equal((await posecast(['pause', out], env)).code, 0);
      service.fate = () => ({ status: 503, code: 'SlowDown' });
      const worker = startPosecast(['work', '--threads', '1'], env);
      await until('the outage', worker, () => worker.output().includes('skipping run'));
      service.fate = () => 'pass';
      assert.equal((await posecast(['resume', out], env)).code, 0);
      await until('the end of the run', worker, () => worker.output().includes('is complete'));
      worker.child.kill('SIGTERM');
      const ended = await worker.done;
      assert.equal(ended.code, 0, ended.stderr);
      assert.equal([...ended.stderr.matchAll(/skipping run/g)].length, 1, ended.stderr);
      assert.equal((await posecast(['verify', out], env)).code, 0);
    }),
  ));

test('whoever watches a run outlasts a store that does not answer for a while; one that refuses ends the watch', () =>
  withRedis(({ url }) =>
    withS3({ conditionalPuts: true }, async (service) => {
      const env = { REDIS_URL: url, AWS_ENDPOINT_URL_S3: service.endpoint };
      const out = `s3://${service.bucket}/night`;
      assert.equal((await posecast(['submit', samples, out, '--variants', '0'], env)).code, 0);
      const watching = startPosecast(['status', out, '--watch', '--json'], env);
      const looks = () => watching.output().split('"shardsTotal"').length;
      await until('a look', watching, () => looks() > 1);
      service.fate = () => ({ status: 503, code: 'SlowDown' });
      await until('the outage', watching, () => watching.output().includes('looking again'));
      const before = looks();
      service.fate = () => 'pass';
      await until('another look', watching, () => looks() > before);
      service.fate = () => ({ status: 403, code: 'AccessDenied' });
      const ended = await watching.done;
      assert.notEqual(ended.code, 0);
      assert.equal([...ended.stderr.matchAll(/looking again/g)].length, 1, ended.stderr);
    }),
  ));

test('an OUT that denies access ends a worker without OUT with exit code 1', () =>
  withRedis(({ url }) =>
    withS3({ conditionalPuts: true }, async (service) => {
      const env = { REDIS_URL: url, AWS_ENDPOINT_URL_S3: service.endpoint };
      const out = `s3://${service.bucket}/night`;
      assert.equal((await posecast(['submit', samples, out, '--variants', '0'], env)).code, 0);
      service.fate = (request) => (isCommit(request) ? { status: 403, code: 'AccessDenied' } : 'pass');
      const worked = await posecast(['work', '--threads', '1'], env);
      assert.equal(worked.code, 1, worked.stderr);
      assert.match(worked.stdout, /stopped: OUT cannot be used/);
    }),
  ));
