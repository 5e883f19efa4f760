/**
 * A Redis that somebody else writes to: workers take no harm, commit nothing that is not planned, and come to an end.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Redis } from 'ioredis';
import { posecast } from '../helpers/cli.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { makeSmallShards, type SmallShards } from '../soak/smallShards.ts';
import { cases } from './cases.ts';

const SHARDS = 12;

async function withRun(
  body: (run: { folder: string; small: SmallShards; env: NodeJS.ProcessEnv; redis: Redis }) => Promise<void>,
): Promise<void> {
  await withRedis(({ url, redis }) =>
    withTempFolder(async (folder) => {
      const small = await makeSmallShards(folder, SHARDS);
      await body({ folder, small, env: { ...small.env, REDIS_URL: url }, redis });
    }),
  );
}

/** Key prefix of the only queue. */
async function queueOf(redis: Redis): Promise<string> {
  const [key = ''] = await redis.keys('bull:*:meta');
  return key.slice(0, -'meta'.length);
}

test('hostile jobs fail by themselves, the others are committed, and the same command puts it right', () =>
  withRun(async ({ folder, small, env, redis }) => {
    const out = join(folder, 'out');
    const args = [small.corpus, out, ...small.options];
    assert.equal((await posecast(['submit', ...args], env)).code, 0);
    const queue = await queueOf(redis);
    const spec = async (shard: number): Promise<Record<string, unknown>> =>
      JSON.parse((await redis.hget(`${queue}shard-${shard}`, 'data'))!);
    const change = async (shard: number, data: string) => redis.hset(`${queue}shard-${shard}`, 'data', data);
    // Rows of another shard under this one's name: the table would hold people twice.
    await change(0, JSON.stringify({ ...(await spec(1)), index: 0 }));
    await change(2, JSON.stringify({ ...(await spec(2)), part: '../../../../etc/passwd' }));
    await change(3, 'null');
    await change(4, JSON.stringify({ ...(await spec(4)), rowEnd: 2 ** 52 }));
    await change(5, JSON.stringify({ ...(await spec(5)), runId: 'another' }));
    await change(6, JSON.stringify({ ...(await spec(6)), index: 15_000_000 }));
    await change(7, JSON.stringify('\u001b[2J'.repeat(10_000)));
    await change(8, '{');
    const worked = await posecast(['work', out, '--threads', '1'], env);
    assert.equal(worked.code, 1, worked.stderr);
    assert.match(worked.stderr, /queue job is not the shard of the plan \[shard=0,/);
    assert.match(worked.stderr, /queue job is not a shard/);
    assert.ok(!worked.stderr.includes('\u001b'));
    assert.doesNotMatch(worked.stderr, /\n\s+at /);
    const status = await posecast(['status', out], env);
    assert.match(status.stdout, /shards +4 of 12/);

    const again = await posecast(['run', ...args], env);
    assert.equal(again.code, 0, again.stderr);
    const verified = await posecast(['verify', out], env);
    assert.equal(verified.code, 0, verified.stdout);
  }));

const shortForm = cases(1, 0) === 1 && 'in npm run test:hostile only';

test(
  'runs that Redis only claims to know are passed over, and an idle worker comes to an end',
  {
    skip: shortForm,
  },
  () =>
    withRun(async ({ folder, small, env, redis }) => {
      const done = join(folder, 'done');
      assert.equal((await posecast(['run', small.corpus, done, ...small.options], env)).code, 0);
      const out = join(folder, 'out');
      assert.equal((await posecast(['submit', small.corpus, out, ...small.options], env)).code, 0);
      const entry = (at: string) => JSON.stringify({ out: at, createdAt: '2020-01-01T00:00:00Z', shards: 1 });
      await redis.hset('posecast:runs', {
        'not-json': '{',
        'other-shape': '{"out":1}',
        nowhere: entry(join(folder, 'nowhere')),
        'a-file': entry('/etc/passwd'),
        'no-address': entry('s3://../x'),
        // Finished, under another id: it would be taken up again and again.
        'not-its-name': entry(done),
      });
      const worked = await posecast(['work', '--once', '--threads', '1'], env);
      assert.equal(worked.code, 1, worked.stderr);
      assert.doesNotMatch(worked.stderr, /\n\s+at /);
      for (const id of ['nowhere', 'a-file', 'no-address', 'not-its-name'])
        assert.ok(worked.stderr.includes(id), id);
      assert.equal((await posecast(['verify', out], env)).code, 0);
    }),
);
