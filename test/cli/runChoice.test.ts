/** Which run a worker without OUT takes: one that was left is taken again when the reason is gone, and not before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'bullmq';
import { createRunChoice, type RunChoice } from '../../src/cli/runChoice.ts';
import { IntegrityError } from '../../src/shared/errors.ts';
import { sayAlive, sayGone } from '../../src/shared/redis/liveWorkers.ts';
import { jobId, openShardQueue, queueName, SHARD_JOB } from '../../src/shared/redis/queue.ts';
import { registerRun } from '../../src/shared/redis/runList.ts';
import type { RunFile } from '../../src/shared/run/runFile.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { planSampleRun, sampleSpecs } from '../helpers/sampleRun.ts';
import { type TestRedis, withRedis } from '../helpers/services/redis.ts';
import { withFolderStore } from '../helpers/stores.ts';

interface Chosen extends TestRedis {
  readonly choice: RunChoice;
  readonly run: RunFile;
  readonly store: ObjectStore;
  readonly clock: { ms: number };
  /** Lines that were said. */
  readonly said: readonly string[];
}

/** A planned run that Redis knows, none of its shards queued. */
const withChoice = (body: (chosen: Chosen) => Promise<void>) =>
  withRedis((service) =>
    withFolderStore(async (store) => {
      const run = await planSampleRun(store);
      const { runId, createdAt, shards } = run;
      await registerRun(service.redis, { runId, createdAt, shards, out: store.uri });
      const clock = { ms: 0 };
      const said: string[] = [];
      const say = (line: string) => void said.push(line);
      const choice = createRunChoice(service.redis, {}, say, () => clock.ms);
      await body({ ...service, choice, run, store, clock, said });
    }),
  );

test('a damaged run is told once and looked at ever more rarely, at least every ten minutes', () =>
  withChoice(async ({ choice, run, clock, said }) => {
    const looks: number[] = [];
    for (; clock.ms < 3_600_000; clock.ms += 1_000) {
      if ((await choice.next()) === undefined) continue;
      looks.push(clock.ms / 1_000);
      choice.brokeOff(run.runId, new IntegrityError('checksum', 'file is not the one that was committed'));
    }
    assert.deepEqual(
      looks.slice(1).map((at, i) => at - looks[i]!),
      [5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600],
    );
    assert.equal(said.length, 1);
    assert.equal(choice.exitCode(), 1);
    clock.ms += 600_000;
    assert.equal((await choice.next())?.runId, run.runId);
    await choice.ended(run.runId, { status: 'complete' });
    assert.equal(choice.exitCode(), 0, 'it has been put right');
  }));

test('a run that failed is taken again when shards wait, or when those in work or delayed have nobody', () =>
  withChoice(async ({ redis, choice, run, store }) => {
    const { runId } = run;
    const queue = openShardQueue(redis, runId);
    const other = new Worker(queueName(runId), null, { connection: redis, autorun: false });
    const fails = () => choice.ended(runId, { status: 'failed', failures: [] });
    const taken = async () => (await choice.next()) !== undefined;
    const [first, second, third] = await sampleSpecs(store, run);
    const giveUp = async () => {
      await queue.add(SHARD_JOB, third!, { jobId: jobId(2), attempts: 1 });
      const job = await other.getNextJob('token');
      await job?.moveToFailed(new Error('broken'), 'token');
    };
    try {
      await giveUp();
      await fails();
      assert.equal(await taken(), false, 'there is nothing to do');
      await queue.add(SHARD_JOB, first!, { jobId: jobId(0) });
      assert.equal(await taken(), true, 'it waits');

      const self = { workerId: 'other', host: 'there', pid: 1, device: 'cpu' };
      await sayAlive(redis, runId, self);
      assert.ok(await other.getNextJob('token'));
      await fails();
      assert.equal(await taken(), false, 'another worker does it');
      await sayGone(redis, runId, self.workerId);
      assert.equal(await taken(), true, 'the other worker is dead');

      await queue.obliterate({ force: true });
      await fails();
      assert.equal(await taken(), true, 'who was to queue it anew did not come to it');
      await giveUp();
      await fails();
      assert.equal(await taken(), false);
      await queue.add(SHARD_JOB, second!, { jobId: jobId(1), delay: 3_600_000 });
      assert.equal(await taken(), true, 'it waits for another attempt');
    } finally {
      await other.close();
      await queue.close();
    }
  }));

test('a complete run that stays on the list is looked at again, ever more rarely', () =>
  withChoice(async ({ choice, run, clock }) => {
    const looks: number[] = [];
    for (; clock.ms < 60_000; clock.ms += 1_000) {
      if ((await choice.next()) === undefined) continue;
      looks.push(clock.ms / 1_000);
      await choice.ended(run.runId, { status: 'complete' });
    }
    assert.deepEqual(looks, [0, 5, 15, 35]);
    assert.equal(choice.exitCode(), 0);
  }));

test('a run left for its rejects is taken again when shards were queued since, ever more rarely', () =>
  withChoice(async ({ redis, choice, run, store, clock }) => {
    const queue = openShardQueue(redis, run.runId);
    const rejects = { photographs: 200, rejected: 200, reasons: [] };
    const looks: number[] = [];
    const lookFor = async (seconds: number) => {
      for (let i = 0; i < seconds; i++, clock.ms += 1_000) {
        if ((await choice.next()) === undefined) continue;
        looks.push(clock.ms / 1_000);
        await choice.ended(run.runId, { status: 'too-many-rejects', limit: 0.5, rejects });
      }
    };
    try {
      const specs = await sampleSpecs(store, run);
      const add = (index: number) => queue.add(SHARD_JOB, specs[index]!, { jobId: jobId(index) });
      await add(0);
      await lookFor(60);
      assert.deepEqual(looks, [0], 'what waits there was there before');
      assert.equal(choice.exitCode(), 1);
      await add(1);
      await lookFor(60);
      await add(2);
      await lookFor(60);
      assert.deepEqual(looks, [0, 60, 120]);
      for (let i = 0; i < 40; i++) {
        await add(3);
        await lookFor(1);
      }
      assert.deepEqual(looks, [0, 60, 120, 180], 'while a producer goes on feeding the queue');
    } finally {
      await queue.close();
    }
  }));
