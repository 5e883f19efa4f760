import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finalizeRun } from '../../../src/shared/run/finalizeRun.ts';
import { addRetryGeneration, readRunShards } from '../../../src/shared/run/generations.ts';
import type { RunFile } from '../../../src/shared/run/runFile.ts';
import { commitKey } from '../../../src/shared/run/runKeys.ts';
import { currentSpecs } from '../../../src/shared/run/runPlan.ts';
import { settleFinished } from '../../../src/shared/run/settleFinished.ts';
import type { ObjectStore } from '../../../src/shared/store/objectStore.ts';
import { verifyRun } from '../../../src/verify/verifyRun.ts';
import { makeSampleRun, runSampleShard, sampleSpecs } from '../../helpers/sampleRun.ts';
import { storeKeys, withFolderStore } from '../../helpers/stores.ts';

test('a file that a late attempt leaves in a finished run is removed when the run is asked for again', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    assert.equal(await settleFinished(store, run), false);
    await finalizeRun(store, run);
    const before = await storeKeys(store);
    for (const folder of ['data', 'rejects', 'subjects']) {
      await store.put(`${folder}/00000001-late.parquet`, Buffer.from('left behind'));
      assert.equal((await verifyRun(store)).problemCounts['stray-file'], 1);
      assert.equal(await settleFinished(store, run), true);
      assert.deepEqual(await storeKeys(store), before);
    }
  }));

test('a commit that a late attempt put in the place of another is taken up with its files', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    const [first] = await sampleSpecs(store, run);
    assert.ok(first);
    await finalizeRun(store, run);
    // What a store without put-if-absent lets happen: the late attempt looked before there was a commit.
    const blind: ObjectStore = {
      ...store,
      get: (key, ...rest) =>
        key.startsWith('commits/') && !overwritten ? Promise.resolve(undefined) : store.get(key, ...rest),
      putIfAbsent: async (key, body) => {
        await store.put(key, body);
        overwritten = true;
        return true;
      },
    };
    let overwritten = false;
    assert.equal(await runSampleShard(blind, run, first, 'late'), 'won');
    assert.equal((await verifyRun(store)).ok, false);
    assert.equal(await settleFinished(store, run), true);
    const report = await verifyRun(store);
    assert.ok(report.ok, JSON.stringify(report.problems));
  }));

test('a finished run that nobody touched is not written again', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    await finalizeRun(store, run);
    const readOnly: ObjectStore = { ...store, put: () => assert.fail('written') };
    assert.equal(await settleFinished(readOnly, run), true);
  }));

test('the last files of a finished run that were lost are written anew when the run is asked for again', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    await finalizeRun(store, run);
    for (const key of ['manifest.json', 'subjects.parquet']) {
      const before = await store.get(key);
      await store.delete(key);
      assert.equal(await settleFinished(store, run), true);
      assert.deepEqual(await store.get(key), before);
    }
    assert.ok((await verifyRun(store)).ok);
  }));

test('a listing that a killed planner of another run leaves in a finished run is removed when the run is asked for again', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    await finalizeRun(store, run);
    const before = await storeKeys(store);
    for (const name of ['part-another-run-00000', 'shards-another-run', 'subjects-another-run']) {
      await store.put(`listing/${name}.parquet`, Buffer.from('left behind'));
      assert.equal((await verifyRun(store)).problemCounts['stray-file'], 1);
      assert.equal(await settleFinished(store, run), true);
      assert.deepEqual(await storeKeys(store), before);
    }
    await store.put('listing/notes.parquet', Buffer.from("somebody's"));
    assert.equal(await settleFinished(store, run), true);
    assert.equal((await storeKeys(store)).length, before.length + 1);
  }));

test('a finished run that lost a commit is not finished any more', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    const [first] = await sampleSpecs(store, run);
    assert.ok(first);
    await finalizeRun(store, run);
    await store.delete(commitKey(first.index));
    assert.equal(await settleFinished(store, run), false);
    assert.equal(await store.head('_SUCCESS'), undefined);
    assert.equal(await runSampleShard(store, run, first, 'again'), 'won');
    assert.equal((await finalizeRun(store, run)).status, 'finished');
    assert.ok((await verifyRun(store)).ok);
  }));

test('the manifest that a finisher of an earlier generation leaves beside a newer _SUCCESS is written anew', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    await finalizeRun(store, run);
    const late = await store.get('manifest.json');
    assert.ok(late);
    await finishRetry(store, run);
    const newer = await store.get('manifest.json');
    await store.put('manifest.json', late);
    assert.equal(await settleFinished(store, run), true);
    assert.deepEqual(await store.get('manifest.json'), newer);
  }));

test('a finisher that slept while a newer generation was finished does not write its manifest', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    await finalizeRun(store, run);
    let looks = 0;
    const manifests: unknown[] = [];
    const sleepy: ObjectStore = {
      ...store,
      list: async function* (prefix, signal) {
        // When it looks for generations once more, it has read its shards.
        if (prefix === 'generations/' && ++looks === 2) await finishRetry(store, run);
        yield* store.list(prefix, signal);
      },
      put: async (key, ...rest) => {
        if (key === 'manifest.json') manifests.push(await store.get(key));
        await store.put(key, ...rest);
      },
    };
    assert.equal((await finalizeRun(sleepy, run)).status, 'finished');
    assert.equal(manifests.length, 1);
    assert.deepEqual(await store.get('manifest.json'), manifests[0]);
  }));

/** Does the first shard again, as a new generation. */
async function finishRetry(store: ObjectStore, run: RunFile): Promise<void> {
  const shards = await readRunShards(store, run);
  const createdAt = '2026-01-02T00:00:00Z';
  await addRetryGeneration(store, run, shards, { codes: null, replaces: [0], createdAt });
  for await (const { spec } of currentSpecs(run, store, await readRunShards(store, run), undefined)) {
    if (spec.index >= shards.numbers) await runSampleShard(store, run, spec, 'retry');
  }
  assert.equal((await finalizeRun(store, run)).status, 'finished');
}
