import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { formatStatus } from '../../src/cli/status.ts';
import { feedRun } from '../../src/producer/feedRun.ts';
import { type GenerationStatus, type RunStatus, readRunStatus } from '../../src/producer/runStatus.ts';
import { openShardQueue } from '../../src/shared/redis/queue.ts';
import { forgetRun } from '../../src/shared/redis/runList.ts';
import { finalizeRun } from '../../src/shared/run/finalizeRun.ts';
import { addRetryGeneration, readRunShards } from '../../src/shared/run/generations.ts';
import { pauseRun } from '../../src/shared/run/pause.ts';
import { createRunTally } from '../../src/shared/run/runTally.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { makeSampleRun, planSampleRun, runSampleShard, sampleSpecs } from '../helpers/sampleRun.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { storeKeys, withFolderStore } from '../helpers/stores.ts';

/** Looks that may pass until a change is seen: the one on its way when it is made, and some more. */
const PATIENCE = 10;

test('whoever watches a run sees a generation that is added meanwhile', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store, { subjects: 8 });
    const [first, ...others] = await sampleSpecs(store, run);
    assert.ok(first);
    await runSampleShard(store, run, first, 'a1');
    const watching = startPosecast(['status', store.uri, '--watch', '--json']);
    const looks: RunStatus[] = [];
    try {
      let seen = false;
      for await (const line of createInterface({ input: watching.child.stdout! })) {
        const look = JSON.parse(line) as RunStatus;
        looks.push(look);
        if (looks.length === 1) {
          assert.deepEqual([look.shardsDone, look.generations.length], [1, 0]);
          const shards = await readRunShards(store, run);
          const createdAt = '2026-01-02T00:00:00.000Z';
          await addRetryGeneration(store, run, shards, { codes: null, replaces: [0], createdAt });
          for (const spec of others) await runSampleShard(store, run, spec, 'a1');
        } else if (!seen && look.generations.length === 1 && look.shardsDone === others.length) {
          // The replaced shard does not count.
          seen = true;
          await runSampleShard(store, run, { ...first, index: run.shards }, 'again');
          await finalizeRun(store, run);
        }
        assert.ok(seen || looks.length < PATIENCE, `not seen: ${line}`);
      }
      assert.equal((await watching.done).code, 0);
      assert.deepEqual([looks.at(-1)?.state, looks.at(-1)?.shardsDone], ['complete', run.shards]);
    } finally {
      watching.child.kill();
      await watching.done;
    }
  }));

test('whoever watches a run is not shown another that takes its place, nor a place without any', async () => {
  for (const next of ['another-run', undefined]) {
    await withFolderStore(async (store) => {
      const run = await planSampleRun(store);
      const watching = startPosecast(['status', store.uri, '--watch', '--json']);
      try {
        const looks: RunStatus[] = [];
        for await (const line of createInterface({ input: watching.child.stdout! })) {
          looks.push(JSON.parse(line) as RunStatus);
          assert.ok(looks.length < PATIENCE, 'not noticed');
          if (looks.length > 1) continue;
          for (const key of await storeKeys(store)) await store.delete(key);
          if (next !== undefined) await planSampleRun(store, { runId: next });
        }
        const { code, stderr } = await watching.done;
        assert.equal(code, 2, stderr);
        assert.match(
          stderr,
          next === undefined ? /found no run\.json/ : /expected run sample-run, found another/,
        );
        assert.ok(looks.every(({ runId }) => runId === run.runId));
      } finally {
        watching.child.kill();
        await watching.done;
      }
    });
  }
});

test('a run that was forgotten is not said to wait for a worker: it is not queued, and how it goes on is said', () =>
  withRedis(({ url, redis }) =>
    withFolderStore(async (store) => {
      const run = await planSampleRun(store);
      const queue = openShardQueue(redis, run.runId);
      try {
        await feedRun(run, store, { redis, queue, signal: new AbortController().signal });
      } finally {
        await queue.close();
      }
      const show = async () => (await posecast(['status', store.uri, '--redis', url])).stdout;
      assert.match(await show(), /^ +state +waiting$/m);
      await forgetRun(redis, run.runId);
      const shown = await show();
      const goOn = `not queued; go on with: posecast work ${store.uri} --redis ${url}`;
      assert.ok(shown.includes(goOn), shown);
    }),
  ));

test('a run is shown as paused until it is complete, also when only its last step is left', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    await pauseRun(store, { runId: run.runId, since: '2026-01-02T00:00:00.000Z', host: 'node-7' });
    const shown = await posecast(['status', store.uri, '--json']);
    assert.equal(shown.code, 0, shown.stderr);
    const { state, pausedSince, shardsDone } = JSON.parse(shown.stdout) as RunStatus;
    assert.deepEqual([state, pausedSince, shardsDone], ['paused', '2026-01-02T00:00:00.000Z', run.shards]);
  }));

test('what a generation did is said of one and of several', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store);
    const shards = await readRunShards(store, run);
    const status = await readRunStatus(run, store, createRunTally(shards, store), shards, undefined);
    const said = (facts: Pick<GenerationStatus, 'kind' | 'shards' | 'added'>) => {
      const generation = { generation: 1, createdAt: '2026-01-02T00:00:00.000Z', ...facts };
      const shown = formatStatus({ ...status, generations: [generation] }, {});
      return /^ +gen\. 1 +\w+ \S+: (.*)$/m.exec(shown)?.[1];
    };
    assert.equal(said({ kind: 'retry', shards: 1 }), '1 shard done again');
    assert.equal(said({ kind: 'retry', shards: 1200 }), '1,200 shards done again');
    const appended = (faces: number, subjects: number) =>
      said({ kind: 'append', shards: 1, added: { faces, subjects } });
    assert.equal(appended(1, 1), '1 photograph appended, with 1 new person');
    assert.equal(appended(24, 12), '24 photographs appended, with 12 new people');
  }));
