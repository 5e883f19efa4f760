/** A corpus that is mostly broken ends the run early, with the reasons. */
import assert from 'node:assert/strict';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { enqueueShards } from '../../src/producer/enqueueShards.ts';
import { planRun } from '../../src/producer/planRun.ts';
import { createReleasers } from '../../src/shared/async/releasers.ts';
import { parseRunConfig } from '../../src/shared/config.ts';
import { readPlan } from '../../src/shared/listing/shardPlan.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { openShardQueue } from '../../src/shared/redis/queue.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { openShardContext } from '../../src/worker/openShardContext.ts';
import { createRejectWatch } from '../../src/worker/rejectWatch.ts';
import { openRunAssets } from '../../src/worker/runAssets.ts';
import type { FaceResult } from '../../src/worker/tables/shardTables.ts';
import { startRunWorker } from '../../src/worker/work.ts';
import { posecast } from '../helpers/cli.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { commits } from '../helpers/until.ts';

const samples = join(packageRoot, 'samples', 'london');

/** `people` folders of ten files that are no photographs. */
async function brokenCorpus(folder: string, people: number): Promise<string> {
  const corpus = join(folder, 'corpus');
  for (let person = 0; person < people; person++) {
    const place = join(corpus, `broken-${String(person).padStart(3, '0')}`);
    await mkdir(place, { recursive: true });
    for (let i = 0; i < 10; i++) await writeFile(join(place, `${i}.jpg`), i < 8 ? 'not an image' : '');
  }
  return corpus;
}

test('a corpus without a photograph stops the run long before its end, without being asked', () =>
  withTempFolder(async (folder) => {
    const corpus = await brokenCorpus(folder, 60);
    const out = join(folder, 'out');
    const args = ['run', corpus, out, '--variants', '0', '--shard-faces', '20', '--threads', '1'];
    const ran = await posecast(args);
    assert.equal(ran.code, 1, ran.stdout + ran.stderr);
    assert.match(ran.stdout, /stopped: .* photographs were rejected \(100 %\).*--max-failure-rate 0\.5/);
    assert.match(ran.stdout, /decode\/not-an-image +\d+, such as broken-\d+\/\d\.jpg: /);
    assert.match(ran.stdout, /decode\/empty-file +\d+, such as broken-\d+\/[89]\.jpg: /);
    assert.match(ran.stdout, /shards +\d+ of 30 committed, \d+ left/);
    assert.match(ran.stdout, /to go on +posecast run \S+corpus \S+out .*--threads 1 --max-failure-rate 1\n/);
    const done = await commits(out);
    assert.ok(done < 20, `${done} of 30 shards were committed before the run stopped`);

    const resumed = await posecast([...args, '--max-failure-rate', '1', '--json']);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal(JSON.parse(resumed.stdout).totals.rejected, 600);
    assert.equal((await posecast(['verify', out])).code, 0);
  }));

test('a rate that was asked for is judged on a small corpus too, when every photograph has been seen', () =>
  withTempFolder(async (folder) => {
    const corpus = await brokenCorpus(folder, 1);
    await cp(samples, corpus, { recursive: true });
    const out = join(folder, 'out');
    // 10 of 34.
    const args = ['run', corpus, out, '--variants', '0', '--shard-faces', '10'];
    const ran = await posecast([...args, '--max-failure-rate', '0.29', '--json']);
    assert.equal(ran.code, 1, ran.stdout + ran.stderr);
    const end = JSON.parse(ran.stdout);
    assert.equal(end.event, 'too-many-rejects');
    assert.equal(end.exitCode, 1);
    assert.deepEqual([end.rejects.photographs, end.rejects.rejected], [34, 10]);
    assert.deepEqual(
      end.rejects.reasons.map(({ code, photographs }: { code: string; photographs: number }) => [
        code,
        photographs,
      ]),
      [
        ['decode/not-an-image', 8],
        ['decode/empty-file', 2],
      ],
    );
    assert.ok(end.shards.done < end.shards.total);
    const again = await posecast([...args, '--max-failure-rate', '0.29', '--json']);
    assert.equal(again.code, 1, 'what is committed already is judged too');
    assert.equal(JSON.parse(again.stdout).rejects.rejected, 10);
    const resumed = await posecast([...args, '--max-failure-rate', '0.3']);
    assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
    // As two workers leave it that have each seen a part of it.
    await rm(join(out, '_SUCCESS'));
    const all = await posecast([...args, '--max-failure-rate', '0.29', '--json']);
    assert.equal(
      all.code,
      1,
      'before the last step all that is committed is judged, by whomever it was done',
    );
    assert.deepEqual(JSON.parse(all.stdout).shards, { done: end.shards.total, total: end.shards.total });
    assert.equal((await posecast([...args, '--max-failure-rate', '0.3'])).code, 0);
  }));

const face = (i: number, ok: boolean): FaceResult => ({
  record: { faceId: `f${i}`, subjectId: 's', uri: `f${i}.jpg`, bytes: 1 },
  outcome: ok
    ? ({ status: 'ok' } as FaceResult['outcome'])
    : { status: 'rejected', rejection: { stage: 'decode', code: 'broken', message: 'broken' } },
});

test('the share is judged from the stated number of photographs on, and never when it is only met', () => {
  const attempt = {};
  const half = createRejectWatch({ share: 0.5, judgedAfter: 10 });
  for (let i = 0; i < 9; i++) assert.equal(half.add([face(i, false)], attempt), false);
  assert.equal(half.add([face(9, false)], attempt), true);
  const met = createRejectWatch({ share: 0.5, judgedAfter: 10 });
  for (let i = 0; i < 100; i++) {
    assert.equal(met.add([face(i, i % 2 === 0), face(i, i % 2 === 1)], attempt), false);
  }
});

test('photographs of an attempt that was not committed are taken back, and those of commits stay', () => {
  const watch = createRejectWatch({ share: 0.5, judgedAfter: 4 });
  const [failed, again, other] = [{}, {}, {}];
  watch.add([face(0, false), face(1, false)], failed);
  watch.end(failed, false);
  assert.deepEqual(watch.report(), { photographs: 0, rejected: 0, reasons: [] });
  watch.add([face(0, false), face(1, false)], again);
  watch.end(again, true);
  assert.equal(watch.add([face(2, true)], other), false);
  assert.equal(watch.add([face(3, false)], other), true, 'commits and what is in work are judged together');
  const { photographs, rejected, reasons } = watch.report();
  assert.deepEqual([photographs, rejected], [4, 3]);
  assert.deepEqual(reasons, [
    { code: 'decode/broken', photographs: 3, example: { uri: 'f0.jpg', message: 'broken' } },
  ]);
});

test('a photograph counts once, however often its shard is tried', () =>
  withRedis(({ redis }) =>
    withTempFolder(async (folder) => {
      const releasers = createReleasers();
      try {
        const opened = await openStore(join(folder, 'out'));
        let refusals = 1;
        const store: ObjectStore = {
          ...opened,
          async put(key, ...rest) {
            if (key.startsWith('rejects/') && refusals-- > 0) throw new Error('not this time');
            return opened.put(key, ...rest);
          },
        };
        const corpus = await brokenCorpus(folder, 1);
        const named = { corpus, corpusFormat: 'folder', imageRoot: corpus } as const;
        const config = parseRunConfig({ ...named, variants: 0, shardFaces: 10 });
        const assets = await openRunAssets(config, () => undefined);
        const { run } = await planRun(config, store, { models: assets.runModels });
        const queue = openShardQueue(redis, run.runId);
        releasers.push('queue', () => queue.close());
        const specs = async function* () {
          for await (const { spec } of readPlan(store, run.runId)) yield spec;
        };
        await enqueueShards(queue, specs(), { committed: new Set<number>() });
        const compute = { device: 'cpu', threads: 1, batchFaces: 10 } as const;
        const context = await openShardContext(run, store, assets, compute, releasers);
        const watch = createRejectWatch({ share: 1, judgedAfter: 1 });
        const ends: boolean[] = [];
        const worker = startRunWorker({
          redis,
          context,
          warn: () => undefined,
          onFaces: (results, attempt) => void watch.add(results, attempt),
          onAttemptEnd(attempt, isCommitted) {
            ends.push(isCommitted);
            watch.end(attempt, isCommitted);
          },
        });
        releasers.push('worker', () => worker.close());
        const deadline = Date.now() + 60_000;
        while (ends.length < 2 && Date.now() < deadline) await sleep(20);
        assert.deepEqual(ends, [false, true]);
        assert.deepEqual([watch.report().photographs, watch.report().rejected], [10, 10]);
      } finally {
        await releasers.release();
      }
    }),
  ));

test('a share that cannot be is refused', async () => {
  for (const share of ['50', '-0.1', 'half']) {
    const ran = await posecast(['run', samples, '/nowhere/out', '--max-failure-rate', share]);
    assert.equal(ran.code, 2);
    assert.match(ran.stderr, /--max-failure-rate.*share from 0 to 1/);
  }
});
