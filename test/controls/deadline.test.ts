/** The morning comes: no shard is started that cannot be finished, and what is committed stays. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatMoment, parseDeadline, refusePastDeadline } from '../../src/cli/deadline.ts';
import { enqueueShards } from '../../src/producer/enqueueShards.ts';
import { planRun } from '../../src/producer/planRun.ts';
import { createReleasers } from '../../src/shared/async/releasers.ts';
import { parseRunConfig } from '../../src/shared/config.ts';
import { readPlan } from '../../src/shared/listing/shardPlan.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { openShardQueue } from '../../src/shared/redis/queue.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { openShardContext } from '../../src/worker/openShardContext.ts';
import { createShardPace } from '../../src/worker/queue/shardPace.ts';
import { openRunAssets } from '../../src/worker/runAssets.ts';
import { startRunWorker } from '../../src/worker/work.ts';
import { posecast } from '../helpers/cli.ts';
import { repeatedSamples } from '../helpers/repeatedSamples.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const samples = join(packageRoot, 'samples', 'london');

/** A whole second that long after a process has started, as far as a small one tells how slow this machine is now. */
async function momentAfterStart(ms: number): Promise<Date> {
  const asked = performance.now();
  await posecast(['--version']);
  return new Date(1_000 * Math.ceil((Date.now() + ms + 4 * (performance.now() - asked)) / 1_000));
}

test('a run ends for its deadline with exit code 3, says what is left, and the command it names finishes it', () =>
  withTempFolder(async (folder) => {
    const corpus = await repeatedSamples(join(folder, 'corpus'), 6);
    const out = join(folder, 'out');
    const args = ['run', corpus, out, '--variants', '0', '--shard-faces', '2', '--batch', '2'];
    const deadline = await momentAfterStart(3_000);
    const ran = await posecast([...args, '--deadline', deadline.toISOString().replace(/\.\d+/, '')]);
    assert.equal(ran.code, 3, ran.stdout + ran.stderr);
    const [, done, left] = /shards +(\d+) of 72 committed, (\d+) left/.exec(ran.stdout) ?? [];
    assert.equal(Number(done) + Number(left), 72, ran.stdout);
    assert.ok(Number(left) > 0);
    const commits = await readdir(join(out, 'commits')).catch(() => []);
    assert.equal(commits.length, Number(done));
    for (const name of commits) {
      const { finishedAt } = JSON.parse(await readFile(join(out, 'commits', name), 'utf8'));
      // A commit may be under way when it comes.
      assert.ok(Date.parse(finishedAt) <= deadline.getTime() + 2_000, `${name} at ${finishedAt}`);
    }
    const [, goOn] = /to go on +posecast (.*)\n/.exec(ran.stdout) ?? [];
    assert.equal(goOn, args.join(' '));
    const resumed = await posecast(args);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal((await posecast(['verify', out])).code, 0);
  }));

test('a shard that cannot be finished in time goes back to the queue unburnt, and no other is taken', () =>
  withRedis(({ redis }) =>
    withTempFolder(async (folder) => {
      const releasers = createReleasers();
      try {
        const store = await openStore(join(folder, 'out'));
        const config = parseRunConfig({
          corpus: samples,
          corpusFormat: 'folder',
          imageRoot: samples,
          variants: 0,
          shardFaces: 4,
        });
        const assets = await openRunAssets(config, () => undefined);
        const { run } = await planRun(config, store, { models: assets.runModels });
        const queue = openShardQueue(redis, run.runId);
        releasers.push('queue', () => queue.close());
        const specs = async function* () {
          for await (const { spec } of readPlan(store, run.runId)) yield spec;
        };
        await enqueueShards(queue, specs(), { committed: new Set<number>() });
        const compute = { device: 'cpu', threads: 1, batchFaces: 4 } as const;
        const context = await openShardContext(run, store, assets, compute, releasers);
        const asked: (number | undefined)[] = [];
        const worker = startRunWorker({
          redis,
          context,
          concurrency: 1,
          warn: (line) => assert.fail(line),
          mayStart: (estimateMs) => asked.push(estimateMs) <= 2,
        });
        releasers.push('worker', () => worker.close());
        const deadline = Date.now() + 60_000;
        while ((asked.length < 3 || worker.inWork() > 0) && Date.now() < deadline) await sleep(20);
        // Long enough for a worker that goes on to ask again.
        await sleep(500);
        assert.equal(asked.length, 3);
        assert.equal(asked[0], undefined, 'nothing is known before the first shard');
        assert.ok((asked[1] ?? 0) > 0 && (asked[2] ?? 0) > 0, `estimates ${asked}`);
        assert.equal((await readdir(join(folder, 'out', 'commits'))).length, 2);
        const waiting = await queue.getWaiting();
        assert.deepEqual(
          waiting.map((job) => job.attemptsMade),
          [0, 0, 0, 0],
        );
      } finally {
        await releasers.release();
      }
    }),
  ));

test('the pace is the slowest of shards of a like size, as far as there are some', () => {
  const pace = createShardPace();
  assert.equal(pace.estimate(100), undefined);
  pace.add({ faces: 1, ms: 300 });
  assert.equal(pace.estimate(100), 30_000);
  pace.add({ faces: 100, ms: 5_000 });
  pace.add({ faces: 50, ms: 3_000 });
  assert.equal(pace.estimate(100), 6_000);
  for (let i = 0; i < 8; i++) pace.add({ faces: 100, ms: 1_000 });
  assert.equal(pace.estimate(200), 2_000);
});

test('a deadline is the next such time of day, or a moment to come; anything else is refused with a hint', () => {
  const evening = new Date(2026, 10, 24, 22, 30);
  assert.equal(formatMoment(parseDeadline('07:00', evening)), '2026-11-25 07:00');
  assert.equal(formatMoment(parseDeadline('23:15', evening)), '2026-11-24 23:15');
  assert.equal(formatMoment(parseDeadline('22:30', evening)), '2026-11-25 22:30');
  assert.equal(formatMoment(parseDeadline('2026-12-01T06:05', evening)), '2026-12-01 06:05');
  assert.equal(formatMoment(parseDeadline('2026-12-01 06:05', evening)), '2026-12-01 06:05');
  assert.equal(parseDeadline('2026-12-01T06:00:30+02:00', evening).toISOString(), '2026-12-01T04:00:30.000Z');
  for (const text of [
    '7',
    '24:00',
    '07:60',
    'tomorrow',
    '',
    '2026-02-30T07:00',
    '2027-13-01T07:00',
    '2026-12-01',
  ]) {
    assert.throws(() => parseDeadline(text, evening), /Expected a time of day such as 07:00/, text);
  }
  refusePastDeadline(parseDeadline('2026-11-24T22:31', evening), evening);
  for (const text of ['2026-11-24T22:29', '2026-11-24T22:30']) {
    assert.throws(() => refusePastDeadline(parseDeadline(text, evening), evening), {
      name: 'ConfigError',
      message: /^--deadline: expected a moment to come, found one that has passed \[deadline=.*, now=/,
    });
  }
});

test('a deadline that cannot be is one line with exit code 2', async () => {
  const ran = await posecast(['run', samples, '/nowhere/out', '--deadline', '25:00']);
  assert.equal(ran.code, 2);
  assert.match(
    ran.stderr,
    /--deadline <time>' argument '25:00' is invalid. Expected a time of day such as 07:00/,
  );
});

test('a worker that waits for runs goes when the deadline comes', () =>
  withRedis(async ({ url }) => {
    const deadline = (await momentAfterStart(2_000)).toISOString().replace(/\.\d+/, '');
    const waited = await posecast(['work', '--deadline', deadline], { REDIS_URL: url });
    assert.equal(waited.code, 0, waited.stderr);
  }));

test('a shard that is still in work at the deadline is handed back', () =>
  withTempFolder(async (folder) => {
    const corpus = await repeatedSamples(join(folder, 'corpus'), 24);
    const out = join(folder, 'out');
    const deadline = (await momentAfterStart(3_000)).toISOString().replace(/\.\d+/, '');
    const args = [
      'run',
      corpus,
      out,
      '--variants',
      '0',
      '--shard-faces',
      '1000',
      '--threads',
      '1',
      '--deadline',
      deadline,
    ];
    const ran = await posecast([...args, '--on-finish', `cat > ${folder}/told.json`]);
    assert.equal(ran.code, 3, ran.stdout + ran.stderr);
    const told = JSON.parse(await readFile(join(folder, 'told.json'), 'utf8'));
    assert.deepEqual([told.event, told.exitCode, told.shards], ['deadline', 3, { done: 0, total: 1 }]);
    assert.equal(Date.parse(told.deadline), Date.parse(deadline));
  }));
