import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finalizeRun } from '../../../src/shared/run/finalizeRun.ts';
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
