import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { finalizeRun } from '../../../src/shared/run/finalizeRun.ts';
import {
  addRetryGeneration,
  type Generation,
  type RetryGeneration,
  readRunShards,
  runShards,
} from '../../../src/shared/run/generations.ts';
import { readManifest } from '../../../src/shared/run/manifest.ts';
import { verifyRun } from '../../../src/verify/verifyRun.ts';
import { makeSampleRun, runSampleShard, sampleSpecs } from '../../helpers/sampleRun.ts';
import { STORES, storeKeys, withFolderStore } from '../../helpers/stores.ts';

const corpus = { faces: 6, subjects: 6, bytes: 0, sha256: 'a'.repeat(64) };
const run = { runId: 'sample-run', shards: 6, corpus, listing: [] };
const createdAt = '2026-01-02T00:00:00.000Z';

function retry(generation: number, firstShard: number, replaces: number[]): RetryGeneration {
  return {
    schemaVersion: 1,
    runId: run.runId,
    generation,
    createdAt,
    kind: 'retry',
    codes: null,
    firstShard,
    replaces,
  };
}

test('whatever is replaced by whatever, every place has one shard that counts, and every other shard has no place', () => {
  fc.assert(
    fc.property(fc.array(fc.uniqueArray(fc.nat(5), { minLength: 1 }), { maxLength: 5 }), (places) => {
      const generations: RetryGeneration[] = [];
      for (const chosen of places) {
        const { shardAt, numbers } = runShards(run, generations);
        generations.push(retry(generations.length + 1, numbers, chosen.map(shardAt)));
      }
      const shards = runShards(run, generations);
      const replaced = generations.flatMap(({ replaces }) => replaces);
      assert.equal(shards.numbers, run.shards + replaced.length);
      const counting = Array.from({ length: shards.places }, (_, place) => shards.shardAt(place));
      assert.equal(new Set(counting).size, run.shards);
      for (let shard = 0; shard < shards.numbers + 2; shard++) {
        const place = shards.placeOf(shard);
        assert.equal(place === undefined, !counting.includes(shard));
        if (place !== undefined) assert.equal(shards.shardAt(place), shard);
      }
      for (const shard of replaced) assert.equal(shards.placeOf(shard), undefined);
    }),
  );
});

test('generations that do not follow one another are refused', () => {
  const wrong: Generation[][] = [
    [retry(2, 6, [0])],
    [retry(1, 7, [0])],
    [retry(1, 6, [6])],
    [retry(1, 6, [2, 2])],
    [retry(1, 6, [2]), retry(2, 7, [2])],
    [{ ...retry(1, 6, [2]), runId: 'another' }],
  ];
  for (const generations of wrong) {
    assert.throws(() => runShards(run, generations), { code: 'bad-generation' }, JSON.stringify(generations));
  }
});

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
