/**
 * A shard that kills every worker that takes it, as a native library does that aborts, or one of its threads.
 * POSECAST_CRASHES=all lets as many workers die as in life (eleven); without it two.
 */
import assert from 'node:assert/strict';
import { appendFile, cp, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { openShardQueue, WORKER_OPTIONS } from '../../src/shared/redis/queue.ts';
import { listRuns } from '../../src/shared/redis/runList.ts';
import { createAloneTurns } from '../../src/worker/queue/aloneTurns.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { commits } from '../helpers/until.ts';
import { poisoned } from './poisoned.ts';

const samples = join(packageRoot, 'samples', 'london');
const all = process.env.POSECAST_CRASHES === 'all';
/** The number that may die; the next one is the last. */
const deaths = all ? WORKER_OPTIONS.maxStalledCount : 1;

test('a shard that kills its workers is given up after the stated number, alone; everything else is committed', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const [corpus, out] = [join(folder, 'corpus'), join(folder, 'out')];
      await cp(samples, corpus, { recursive: true });
      await rename(join(corpus, '002'), join(corpus, '002-poison'));
      const env = { REDIS_URL: url, ...poisoned({ locks: 'short' }), POSECAST_TEST_DEATHS: String(deaths) };
      const submit = ['submit', corpus, out, '--variants', '0', '--shard-faces', '2'];
      assert.equal((await posecast(submit, env)).code, 0);
      const deadly = { ...env, ...poisoned({ locks: 'short', reading: 'abort' }) };
      let died = 0;
      let last = startPosecast(['work', out, '--json'], deadly);
      while ((await last.done).code === null) {
        assert.equal(last.child.signalCode, 'SIGABRT', last.output());
        died++;
        assert.ok(died <= deaths + 1, `${died} workers died`);
        last = startPosecast(['work', out, '--json'], deadly);
      }
      const ended = await last.done;
      assert.equal(ended.code, 1, ended.stderr);
      assert.equal(died, deaths + 1);
      const told = JSON.parse(ended.stdout);
      assert.deepEqual([told.event, told.shards], ['failed', { done: 11, total: 12 }]);
      assert.match(told.failures[0].reason, /worker processes died.* while it was in work/);
      assert.equal(await commits(out), 11, 'the shard that was handed out beside it is not given up with it');
      const notes = await readdir(join(out, 'failures'));
      assert.equal(notes.length, 1);
      assert.equal(JSON.parse(await readFile(join(out, 'failures', notes[0] ?? ''), 'utf8')).code, 'crashed');

      const other = await posecast(['retry-failed', out, '--codes', 'disk-full'], env);
      assert.equal(other.code, 2, 'narrowed to codes that there are');
      const retried = await posecast(['retry-failed', out, '--codes', 'crashed', '--json'], env);
      const { generation, shards } = JSON.parse(retried.stdout);
      assert.deepEqual([generation, shards], [1, 1]);
      assert.equal((await posecast(['work', out], env)).code, 0);
      assert.equal((await posecast(['verify', out])).code, 0);
    }),
  ));

for (const [thread, why] of [
  ['model', 'poisoned photograph'],
  ['table', 'poisoned table'],
] as const) {
  test(`a worker whose ${thread} thread dies says so and why, gives its shards back unburnt and ends with exit code 1`, () =>
    withRedis(({ url, redis }) =>
      withTempFolder(async (folder) => {
        const [corpus, out] = [join(folder, 'corpus'), join(folder, 'out')];
        await cp(samples, corpus, { recursive: true });
        await appendFile(join(corpus, '002', 'neutral.jpg'), 'poison');
        const env = { REDIS_URL: url };
        const submit = ['submit', corpus, out, '--variants', '0', '--shard-faces', '2'];
        assert.equal((await posecast(submit, env)).code, 0);
        const deadly = { ...env, ...poisoned({ reading: `${thread}-thread` }) };
        // Without an OUT it works on every run, for ever.
        const ended = await posecast(['work', '--threads', '2', '--json'], deadly);
        assert.equal(ended.code, 1, ended.stderr);
        const told = JSON.parse(ended.stdout);
        assert.equal(told.event, 'thread-died');
        assert.match(told.message, new RegExp(`^${thread} thread: expected .*thread=\\d.*: ${why}$`));

        const [run] = await listRuns(redis);
        const queue = openShardQueue(redis, run?.runId ?? '');
        const waiting = await queue.getWaiting();
        assert.equal(waiting.length + (await commits(out)), 12);
        assert.ok(waiting.every(({ attemptsMade }) => attemptsMade === 0));
        const counted = waiting.filter(({ stalledCounter }) => stalledCounter > 0);
        assert.ok(counted.length === 1 || counted.length === 2, 'those in work, as if the process had died');
        await queue.close();
        assert.deepEqual(await readdir(join(out, 'failures')).catch(() => []), []);
        assert.equal((await posecast(['work', out], env)).code, 0);
        assert.equal((await posecast(['verify', out])).code, 0);
      }),
    ));
}

test('a shard that kills a thread of its workers is given up after the same number, alone', () =>
  withRedis(({ url }) =>
    withTempFolder(async (folder) => {
      const [corpus, out] = [join(folder, 'corpus'), join(folder, 'out')];
      await cp(samples, corpus, { recursive: true });
      await appendFile(join(corpus, '002', 'neutral.jpg'), 'poison');
      const env = { REDIS_URL: url, ...poisoned({ locks: 'short' }), POSECAST_TEST_DEATHS: String(deaths) };
      const submit = ['submit', corpus, out, '--variants', '0', '--shard-faces', '2'];
      assert.equal((await posecast(submit, env)).code, 0);
      const deadly = { ...env, ...poisoned({ locks: 'short', reading: 'model-thread' }) };
      const events: string[] = [];
      while (events.at(-1) !== 'failed' && events.length <= deaths + 2) {
        const ended = await posecast(['work', out, '--json'], deadly);
        assert.equal(ended.code, 1, ended.stderr);
        events.push(JSON.parse(ended.stdout).event);
      }
      assert.deepEqual(events, [...Array(deaths + 1).fill('thread-died'), 'failed']);
      assert.equal(await commits(out), 11, 'the shard that was handed out beside it is not given up with it');
      const [note = '', ...others] = await readdir(join(out, 'failures'));
      assert.equal(others.length, 0);
      assert.equal(JSON.parse(await readFile(join(out, 'failures', note), 'utf8')).code, 'crashed');
    }),
  ));

test('a shard that must be alone waits until it is, and what comes meanwhile is handed back', async () => {
  const overlap: boolean[] = [];
  const turns = createAloneTurns({ onMayOverlap: (may) => overlap.push(may) });
  const { signal } = new AbortController();
  assert.equal(await turns.enter(false, signal), true);
  let entered = false;
  const alone = turns.enter(true, signal).then((may) => {
    entered = may;
  });
  assert.equal(await turns.enter(false, signal), false);
  turns.leave();
  assert.equal(await turns.enter(true, signal), false, 'another that must be alone too');
  turns.leave();
  assert.deepEqual([entered, overlap], [false, [false]]);
  turns.leave();
  await alone;
  assert.equal(entered, true);
  turns.leave();
  assert.deepEqual(overlap, [false, true]);
  assert.equal(await turns.enter(false, signal), true);
});
