import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { finalizeRun } from '../../../src/shared/run/finalizeRun.ts';
import { readManifest, requireManifest } from '../../../src/shared/run/manifest.ts';
import { pauseRun, readPause, resumeRun } from '../../../src/shared/run/pause.ts';
import { PAUSE_KEY } from '../../../src/shared/run/runKeys.ts';
import { makeSampleRun, planSampleRun, runSampleShard, sampleSpecs } from '../../helpers/sampleRun.ts';
import { STORES, storeKeys, withFolderStore } from '../../helpers/stores.ts';

for (const [name, withStore] of Object.entries(STORES)) {
  test(`${name}: a finished run has a manifest of every file and its totals, and _SUCCESS`, () =>
    withStore(async (store) => {
      const run = await makeSampleRun(store);
      const result = await finalizeRun(store, run);
      assert.equal(result.status, 'finished');
      const manifest = await readManifest(store);
      const { bytes, ...totals } = manifest?.totals ?? { bytes: 0 };
      assert.deepEqual(totals, {
        subjects: 7,
        faces: 28,
        ok: 21,
        rejected: 7,
        variants: 21,
        variantsRejected: 7,
        rows: 42,
      });
      const data = manifest?.files.filter((file) => file.kind === 'data') ?? [];
      assert.equal(data.length, 4);
      assert.equal(
        data.reduce((sum, file) => sum + file.bytes, 0),
        bytes,
      );
      assert.deepEqual(manifest?.rejectsByCode, { 'detect/no-face': 7 });
      const kept = (await storeKeys(store)).filter((key) => /^(data|rejects)\//.test(key));
      assert.deepEqual(manifest?.files.map(({ key }) => key).sort(), kept);
      assert.equal((await store.get('_SUCCESS'))?.length, 0);
    }));
}

test('the merged subjects table has every person once, in class_index order', () =>
  withFolderStore(async (store) => {
    await finalizeRun(store, await makeSampleRun(store, { subjects: 25 }));
    const bytes = (await store.get('subjects.parquet'))?.slice().buffer as ArrayBuffer;
    const rows = await parquetReadObjects({ file: bytes, compressors });
    assert.deepEqual(
      rows.map(({ subject_id, class_index }) => [subject_id, Number(class_index)]),
      Array.from({ length: 25 }, (_, i) => [`person-${String(i).padStart(3, '0')}`, i]),
    );
  }));

test('a pause that cannot be read is replaced by a new one', () =>
  withFolderStore(async (store) => {
    const { runId } = await planSampleRun(store);
    await store.put(PAUSE_KEY, Buffer.from(''));
    const asked = { runId, since: '2026-01-01T00:00:00Z', host: 'here' };
    assert.deepEqual(await pauseRun(store, asked), { schemaVersion: 1, ...asked });
    assert.deepEqual(await readPause(store, runId), { schemaVersion: 1, ...asked });
  }));

test('a pause that cannot be read is lifted too, and holds no run back from its end', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    for (const damaged of ['', '{"runId":']) {
      await store.put(PAUSE_KEY, Buffer.from(damaged));
      assert.ok(await resumeRun(store, run.runId));
      assert.equal(await store.head(PAUSE_KEY), undefined);
    }
    await store.put(PAUSE_KEY, Buffer.from(''));
    assert.equal((await finalizeRun(store, run)).status, 'finished');
    assert.equal(await store.head(PAUSE_KEY), undefined);
  }));

test('a pause ends with its run; one of another run stays', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    const asked = { since: '2026-01-01T00:00:00Z', host: 'here' };
    await pauseRun(store, { ...asked, runId: run.runId });
    await finalizeRun(store, run);
    assert.equal(await store.head('paused.json'), undefined);
    const another = JSON.stringify({ schemaVersion: 1, ...asked, runId: 'another' });
    await store.put('paused.json', Buffer.from(another));
    await finalizeRun(store, run);
    assert.notEqual(await readPause(store, 'another'), undefined);
  }));

test('a run with a shard uncommitted is not finished, and nothing is written', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store);
    const specs = await sampleSpecs(store, run);
    for (const spec of specs.slice(1)) await runSampleShard(store, run, spec, 'a');
    const before = await storeKeys(store);
    const result = await finalizeRun(store, run);
    assert.ok(result.status === 'unfinished');
    assert.equal(result.missing, 1);
    assert.deepEqual([0, 1, 2, 3, 4].filter(result.isMissing), [0]);
    assert.deepEqual(await storeKeys(store), before);
  }));

test('finishing twice, at once or later, gives the same bytes', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    const contents = async () =>
      Promise.all(
        ['manifest.json', 'subjects.parquet', '_SUCCESS'].map(async (key) =>
          Buffer.from((await store.get(key)) ?? []),
        ),
      );
    await finalizeRun(store, run);
    const first = await contents();
    await Promise.all([finalizeRun(store, run), finalizeRun(store, run), finalizeRun(store, run)]);
    assert.deepEqual(await contents(), first);
  }));

test('files of attempts that lost or died are removed, and files of somebody else are left', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    const orphans = [
      'data/00000001-dead.parquet',
      'rejects/00000001-dead.parquet',
      'subjects/00000000-dead.parquet',
    ];
    for (const key of orphans) await store.put(key, Buffer.from('left behind'));
    await store.put('data/notes.txt', Buffer.from('mine'));
    await finalizeRun(store, run);
    const keys = await storeKeys(store);
    for (const key of orphans) assert.ok(!keys.includes(key), key);
    assert.ok(keys.includes('data/notes.txt'));
  }));

test('a damaged subjects table of a shard stops the finish before anything is written', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    const key = (await storeKeys(store, 'subjects/'))[1] as string;
    await store.put(key, Buffer.from('not what was committed'));
    await assert.rejects(finalizeRun(store, run), { name: 'IntegrityError', code: 'checksum' });
    assert.equal(await store.head('manifest.json'), undefined);
    assert.equal(await store.head('_SUCCESS'), undefined);
  }));

test('the manifest of another run is no end of this one, nor is none', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    await assert.rejects(requireManifest(store, run.runId), { code: 'no-manifest' });
    await finalizeRun(store, run);
    assert.equal((await requireManifest(store, run.runId)).runId, run.runId);
    await assert.rejects(requireManifest(store, 'another-run'), {
      name: 'IntegrityError',
      code: 'other-run',
    });
  }));
