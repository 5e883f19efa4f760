import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finalizeRun } from '../../../src/shared/run/finalizeRun.ts';
import { addRetryGeneration, readRunShards } from '../../../src/shared/run/generations.ts';
import { readManifest } from '../../../src/shared/run/manifest.ts';
import { verifyRun } from '../../../src/verify/verifyRun.ts';
import { makeSampleRun, runSampleShard, sampleSpecs } from '../../helpers/sampleRun.ts';
import { STORES, storeKeys, withFolderStore } from '../../helpers/stores.ts';

const createdAt = '2026-01-02T00:00:00.000Z';

for (const [name, withStore] of Object.entries(STORES)) {
  test(`${name}: a replaced shard gives way to its replacement when the run is finished again, and all verifies`, () =>
    withStore(async (store) => {
      const run = await makeSampleRun(store);
      await finalizeRun(store, run);
      const before = await readManifest(store);
      const asked = { codes: ['detect/no-face'], replaces: [1], createdAt };
      const { firstShard } = await addRetryGeneration(store, run, await readRunShards(store, run), asked);
      const result = await finalizeRun(store, run);
      assert.equal(result.status === 'unfinished' && result.missing, 1);
      assert.deepEqual(await readManifest(store), before, 'the old manifest stands until then');

      const spec = (await sampleSpecs(store, run))[1];
      assert.ok(spec);
      assert.equal(await runSampleShard(store, run, { ...spec, index: firstShard }, 'again'), 'won');
      assert.equal((await finalizeRun(store, run)).status, 'finished');
      const manifest = await readManifest(store);
      assert.deepEqual(manifest?.totals.rows, before?.totals.rows);
      assert.deepEqual(manifest?.generations, [
        { generation: 1, kind: 'retry', createdAt, codes: ['detect/no-face'], firstShard: 4, shards: 1 },
      ]);
      const data = manifest?.files.filter(({ kind }) => kind === 'data').map(({ shard }) => shard);
      assert.deepEqual(data, [0, 4, 2, 3], 'in the order of the listing');
      const kept = (await storeKeys(store)).filter((key) => /^(data|rejects)\//.test(key));
      assert.deepEqual(manifest?.files.map(({ key }) => key).sort(), kept, 'the replaced files are gone');
      const report = await verifyRun(store);
      assert.equal(report.ok, true, JSON.stringify(report.problems));
    }));
}

test('of two retries in one moment, one is refused and changes nothing', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    const shards = await readRunShards(store, run);
    await addRetryGeneration(store, run, shards, { codes: null, replaces: [1], createdAt });
    await assert.rejects(
      addRetryGeneration(store, run, shards, { codes: null, replaces: [1, 2], createdAt }),
      {
        code: 'generation-taken',
      },
    );
    assert.equal((await readRunShards(store, run)).numbers, 5);
  }));

test('verify finds a generation that was taken away, and files of a replaced shard', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    const shards = await readRunShards(store, run);
    const { firstShard } = await addRetryGeneration(store, run, shards, {
      codes: null,
      replaces: [1],
      createdAt,
    });
    const spec = (await sampleSpecs(store, run))[1];
    assert.ok(spec);
    await runSampleShard(store, run, { ...spec, index: firstShard }, 'again');
    await finalizeRun(store, run);
    await store.put('data/00000001-late.parquet', new Uint8Array(8));
    assert.deepEqual((await verifyRun(store)).problemCounts, { 'stray-file': 1 });
    await store.delete('data/00000001-late.parquet');
    await store.put('generations/0002.json', Buffer.from('{}'));
    assert.equal((await verifyRun(store)).problems[0]?.key, 'generations/', 'one that cannot be read');
    await store.delete('generations/0002.json');
    await store.delete('generations/0001.json');
    const { problemCounts, problems } = await verifyRun(store);
    assert.ok((problemCounts.manifest ?? 0) > 0, JSON.stringify(problemCounts));
    assert.ok(problems.some(({ message }) => message.startsWith('generations: expected [], found [')));
  }));
