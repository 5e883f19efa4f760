/** Which runs a dashboard without a named OUT shows. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { dashboardApp } from '../../src/dashboard/app.ts';
import { type Board, openBoard } from '../../src/dashboard/board.ts';
import { openRedisLink } from '../../src/dashboard/data/redisLink.ts';
import { registerRun, unregisterRun } from '../../src/shared/redis/runList.ts';
import { finalizeRun } from '../../src/shared/run/finalizeRun.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { makeSampleRun, planSampleRun, runSampleShard, sampleSpecs } from '../helpers/sampleRun.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

/** Longer than until a run that could not be read is tried again. */
const LATER_MS = 60_000;

/** What makes it later, while the machine's clock is put back by an hour: nothing may wait for that. */
function movedClock({ mock }: TestContext): () => void {
  const real = performance.now.bind(performance);
  let passed = 0;
  mock.method(performance, 'now', () => real() + passed);
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  return () => {
    passed += LATER_MS;
    mock.timers.setTime(Date.now() - 3_600_000);
  };
}

test('a run that cannot be read keeps no store open, is shown once it can be, and leaves the page with the Redis', (t) =>
  withRedis(({ url, redis }) =>
    withTempFolder(async (folder) => {
      const later = movedClock(t);
      const out = join(folder, 'later');
      const createdAt = '2026-01-01T00:00:00.000Z';
      await registerRun(redis, { runId: 'sample-run', createdAt, shards: 4, out });
      await registerRun(redis, { runId: 'never-there', createdAt, shards: 1, out: join(folder, 'nowhere') });
      let open = 0;
      const link = await openRedisLink(url, (line) => assert.fail(line));
      const board = await openBoard({
        named: [],
        link,
        async openStore(at) {
          const store = await openStore(at, { access: 'read' });
          open++;
          return {
            ...store,
            async close() {
              open--;
              await store.close();
            },
          };
        },
      });
      try {
        const look = async () => {
          later();
          await board.refresh();
          return [board.views().length, board.unreadable().length, open];
        };
        assert.deepEqual(await look(), [0, 2, 0]);
        const store = await openStore(out);
        await planSampleRun(store);
        await store.close();
        assert.deepEqual(await look(), [1, 1, 1]);
        await unregisterRun(redis, 'never-there', async () => true);
        assert.deepEqual(await look(), [1, 0, 1]);
        await unregisterRun(redis, 'sample-run', async () => true);
        assert.deepEqual(await look(), [1, 0, 1], 'how a run ended can still be seen');
      } finally {
        await board.close();
        await link.close();
      }
      assert.equal(open, 0);
    }),
  ));

async function pageOf(board: Board, path: string): Promise<{ status: number; text: string }> {
  const app = await dashboardApp({
    board,
    host: '127.0.0.1',
    token: undefined,
    allowHosts: [],
    allowActions: false,
    warn: (line) => assert.fail(line),
  });
  const answer = await app.request(path, { headers: { host: '127.0.0.1' } });
  return { status: answer.status, text: await answer.text() };
}

test('an OUT that does not answer keeps neither the start nor a page waiting, and the page names it', () =>
  withRedis(({ url, redis }) =>
    withTempFolder(async (out) => {
      const store = await openStore(out);
      await planSampleRun(store);
      await store.close();
      const entry = { createdAt: '2026-01-01T00:00:00.000Z', shards: 1 };
      for (const runId of ['a', 'b', 'c'])
        await registerRun(redis, { ...entry, runId, out: `s3://silent/${runId}` });
      await registerRun(redis, { ...entry, runId: 'sample-run', out });
      const link = await openRedisLink(url, (line) => assert.fail(line));
      const asked: string[] = [];
      const board = await openBoard({
        named: [],
        link,
        openStore(at) {
          asked.push(at);
          return at === out ? openStore(at, { access: 'read' }) : new Promise(() => {});
        },
      });
      try {
        const { status, text } = await pageOf(board, '/');
        assert.equal(status, 200);
        assert.match(text, /run sample-run/);
        assert.match(text, /s3:\/\/silent\/b has not answered yet/);
        assert.equal((await pageOf(board, '/queues/api/queues')).status, 200);
        assert.equal(asked.length, 4, 'nobody is asked again while an answer is waited for');
      } finally {
        await board.close();
        await link.close();
      }
    }),
  ));

test('a Redis that stands still keeps no page waiting, and the page says so', (t) =>
  withRedis(({ url, redis, server }) =>
    withTempFolder(async (out) => {
      const later = movedClock(t);
      const store = await openStore(out);
      await planSampleRun(store);
      await store.close();
      await registerRun(redis, {
        runId: 'sample-run',
        createdAt: '2026-01-01T00:00:00.000Z',
        shards: 4,
        out,
      });
      await registerRun(redis, {
        runId: 'never-there',
        createdAt: '2026-01-01T00:00:00.000Z',
        shards: 4,
        out: `${out}/nowhere`,
      });
      const link = await openRedisLink(url, () => undefined);
      const board = await openBoard({
        named: [],
        link,
        openStore: (at) => openStore(at, { access: 'read' }),
      });
      process.kill(server.pid, 'SIGSTOP');
      try {
        later();
        const { status, text } = await pageOf(board, '/');
        assert.equal(status, 200);
        assert.match(text, /run sample-run/);
        assert.match(text, /does not say which runs there are; these are from before: it does not answer/);
        assert.equal((await pageOf(board, '/queues/api/queues')).status, 503);
      } finally {
        process.kill(server.pid, 'SIGCONT');
        await board.close();
        await link.close();
      }
    }),
  ));

test('an OUT that is emptied and used again is never shown as a mixture of both runs', () =>
  withTempFolder(async (out) => {
    const first = await openStore(out);
    await finalizeRun(first, await makeSampleRun(first));
    await first.close();
    const board = await openBoard({
      named: [{ out, runId: undefined }],
      link: undefined,
      openStore: (at) => openStore(at, { access: 'read' }),
    });
    try {
      const view = board.views()[0]!;
      await view.watch.lookNow();
      assert.equal(view.watch.snapshot.state, 'complete');

      await rm(out, { recursive: true });
      await view.watch.lookNow();
      assert.match(view.watch.snapshot.trouble ?? '', /found no run\.json/);
      assert.equal(view.watch.snapshot.state, 'complete', 'as it was before');

      const second = await openStore(out);
      const run = await planSampleRun(second, { subjects: 14, runId: 'second-run' });
      for (const spec of (await sampleSpecs(second, run)).slice(2, 6))
        await runSampleShard(second, run, spec, `b-${spec.index}`);
      await second.close();
      await view.watch.lookNow();
      assert.equal(view.watch.snapshot.shardsDone, 4, 'none of the other run');
      assert.match(view.watch.snapshot.trouble ?? '', /another run .*second-run/);
      assert.equal((await pageOf(board, '/runs/sample-run/people')).status, 404);
      const { text } = await pageOf(board, '/runs/second-run/');
      assert.match(text, /4 of 7 shards committed/);
      assert.match(text, /data-value="faces">32</);
    } finally {
      await board.close();
    }
  }));

test('a run that is named by its id is not followed by another in its OUT, neither at the start nor later', () =>
  withTempFolder(async (out) => {
    const first = await openStore(out);
    await planSampleRun(first);
    await first.close();
    const open = (runId: string) =>
      openBoard({
        named: [{ out, runId }],
        link: undefined,
        openStore: (at) => openStore(at, { access: 'read' }),
      });
    const words = /OUT: expected run (\S+), found another; .*: posecast forget \1/;
    await assert.rejects(open('never-there'), { name: 'ConfigError', code: 'other-run', message: words });
    const board = await open('sample-run');
    try {
      const view = board.views()[0]!;
      await rm(out, { recursive: true });
      const second = await openStore(out);
      await planSampleRun(second, { runId: 'second-run' });
      await second.close();
      await view.watch.lookNow();
      assert.deepEqual(board.views(), []);
      assert.equal((await pageOf(board, '/runs/sample-run/')).status, 404);
      assert.equal((await pageOf(board, '/runs/second-run/')).status, 404);
      const { text } = await pageOf(board, '/');
      assert.match(text, /run sample-run.*cannot be shown: OUT: expected run sample-run, found another/);
      assert.deepEqual(board.unreadable().length, 1);
    } finally {
      await board.close();
    }
  }));
