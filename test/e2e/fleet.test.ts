/** Several worker processes, one Redis, one object store. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { registerRun } from '../../src/shared/redis/runList.ts';
import { readShardCommit } from '../../src/shared/run/shardCommit.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { repeatedSamples } from '../helpers/repeatedSamples.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withS3 } from '../helpers/services/s3.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const samples = join(packageRoot, 'samples', 'london');
/** Two faces a shard, one person each. */
const SHARDS = 12;
const options = ['--variants', '2', '--shard-faces', '2'];

test('two workers on one Redis finish one run in S3, each shard once', () =>
  withRedis(({ url }) =>
    withS3({ conditionalPuts: true }, async ({ endpoint, bucket }) => {
      const env = { REDIS_URL: url, AWS_ENDPOINT_URL_S3: endpoint };
      const out = `s3://${bucket}/night-1`;
      const submitted = await posecast(['submit', samples, out, ...options], env);
      assert.equal(submitted.code, 0, submitted.stderr);
      const workers = await Promise.all(
        [1, 2].map(() => startPosecast(['work', out, '--threads', '1', '--batch', '2'], env).done),
      );
      for (const worker of workers) assert.equal(worker.code, 0, worker.stderr);

      const store = await openStore(out, { s3: { endpoint }, access: 'read' });
      const pids = new Set<number>();
      for (let shard = 0; shard < SHARDS; shard++) {
        const commit = await readShardCommit(store, shard);
        assert.ok(commit !== undefined, `shard ${shard} has a commit`);
        pids.add(commit.worker.pid);
      }
      await store.close();
      assert.equal(pids.size, 2, 'both workers did some of the shards');
      const verified = await posecast(['verify', out], env);
      assert.equal(verified.code, 0, verified.stdout + verified.stderr);
      const status = await posecast(['status', out, '--json'], env);
      assert.equal(status.code, 0, status.stderr);
    }),
  ));

test('a killed worker’s shards are finished by another', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const out = join(folder, 'out');
      assert.equal((await posecast(['submit', samples, out, ...options], env)).code, 0);
      const first = startPosecast(['work', out, '--threads', '1'], env);
      const store = await openStore(out, { access: 'read' });
      while ((await readShardCommit(store, 0)) === undefined && first.child.exitCode === null) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      first.child.kill('SIGKILL');
      await first.done;
      const second = await posecast(['work', out, '--threads', '1'], env);
      assert.equal(second.code, 0, second.stderr);
      assert.equal((await posecast(['verify', out])).code, 0);
    }),
  ));

test('a worker with --json tells of a complete run on standard output, also of one that was complete before', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const out = join(folder, 'out');
      const corpus = await repeatedSamples(join(folder, 'corpus'), 1);
      assert.equal((await posecast(['submit', corpus, out, '--variants', '0'], env)).code, 0);
      for (let i = 0; i < 2; i++) {
        const { code, stdout, stderr } = await posecast(['work', out, '--threads', '1', '--json'], env);
        assert.equal(code, 0, stderr);
        const told = JSON.parse(stdout);
        assert.deepEqual([told.event, told.exitCode, typeof told.runId], ['complete', 0, 'string']);
      }
    }),
  ));

test('a run that cannot be worked on here keeps no other one waiting, and is what the worker ends with', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const [elsewhere, out] = [join(folder, 'elsewhere'), join(folder, 'out')];
      const corpus = await repeatedSamples(join(folder, 'corpus'), 1);
      assert.equal((await posecast(['submit', corpus, elsewhere, ...options], env)).code, 0);
      assert.equal((await posecast(['submit', samples, out, ...options], env)).code, 0);
      await rm(corpus, { recursive: true });
      const worked = await posecast(['work', '--threads', '1'], env);
      assert.equal(worked.code, 2, worked.stderr);
      assert.match(worked.stderr, /skipping run \S+: corpus: expected its folder on this machine/);
      assert.match(worked.stderr, /posecast: corpus: expected its folder on this machine, found none/);
      assert.equal((await posecast(['verify', out])).code, 0);
    }),
  ));

test('a damaged run keeps no other one waiting, and is what the worker ends with', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const env = { REDIS_URL: url };
      const [unread, unfinished, out] = ['unread', 'unfinished', 'out'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      assert.equal((await posecast(['submit', samples, unread, ...options], env)).code, 0);
      await mkdir(join(unread, 'generations'));
      await writeFile(join(unread, 'generations', '0001.json'), '{');
      // All of its shards are committed, and a file of them is cut short before the last step.
      assert.equal((await posecast(['run', samples, unfinished, ...options])).code, 0);
      await rm(join(unfinished, '_SUCCESS'));
      const [table = ''] = await readdir(join(unfinished, 'subjects'));
      await truncate(join(unfinished, 'subjects', table), 100);
      assert.equal((await posecast(['submit', samples, unfinished, ...options], env)).code, 0);
      assert.equal((await posecast(['submit', samples, out, ...options], env)).code, 0);
      const worked = await posecast(['work', '--once', '--threads', '1'], env);
      assert.equal(worked.code, 1, worked.stderr);
      assert.match(worked.stderr, /skipping run \S+: file is not JSON \[key=generations\/0001\.json/);
      assert.match(worked.stderr, /skipping run \S+: file is not the one that was committed \[key=subj/);
      assert.equal((await posecast(['verify', out])).code, 0);
    }),
  ));

test('a run whose plan cannot be read any more keeps no other one waiting, and ends a worker that is asked for it', () =>
  withRedis(({ url, redis }) =>
    withTempFolder(async (folder) => {
      const NODE_OPTIONS = `--import=${new URL('../faults/shortWaits.js', import.meta.url)}`;
      const env = { REDIS_URL: url, NODE_OPTIONS };
      const [unread, out] = [join(folder, 'unread'), join(folder, 'out')];
      assert.equal((await posecast(['submit', samples, unread, ...options], env)).code, 0);
      await redis.flushall();
      const shards = (await readdir(join(unread, 'listing'))).find((name) => name.startsWith('shards-'));
      const { runId, createdAt } = JSON.parse(await readFile(join(unread, 'run.json'), 'utf8'));
      await truncate(join(unread, 'listing', shards ?? ''), 100);
      await registerRun(redis, { runId, createdAt, shards: SHARDS, out: unread });
      assert.equal((await posecast(['submit', samples, out, ...options], env)).code, 0);
      const worked = await posecast(['work', '--once', '--threads', '1'], env);
      assert.equal(worked.code, 1, worked.stderr);
      assert.match(worked.stderr, new RegExp(`skipping run ${runId}: plan file cannot be read`));
      assert.equal((await posecast(['verify', out])).code, 0);
      const asked = await posecast(['work', unread, '--threads', '1'], env);
      assert.equal(asked.code, 1, asked.stderr);
      assert.match(asked.stderr, /^posecast: plan file cannot be read \[key=listing\/shards-/m);
    }),
  ));

test('a store that ignores put-if-absent is used with a warning that says what is weaker', () =>
  withS3({ conditionalPuts: false }, async ({ endpoint, bucket }) => {
    const env = { AWS_ENDPOINT_URL_S3: endpoint };
    const out = `s3://${bucket}/weak`;
    const ran = await posecast(['run', samples, out, '--variants', '1'], env);
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stderr, /If-None-Match|put-if-absent/);
    assert.equal((await posecast(['verify', out], env)).code, 0);
  }));
