import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import pLimit from 'p-limit';
import type { CorpusSource } from '../../src/shared/corpus/corpusSource.ts';
import { folderSource } from '../../src/shared/corpus/folderSource.ts';
import { openCorpusSource } from '../../src/shared/corpus/openCorpusSource.ts';
import { type EmbeddedFace, POSTURE_DIM } from '../../src/shared/face.ts';
import type { RunFile } from '../../src/shared/run/runFile.ts';
import { openRunPlan } from '../../src/shared/run/runPlan.ts';
import { readShardCommit } from '../../src/shared/run/shardCommit.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { readTable } from '../../src/shared/table/readTable.ts';
import { processShard } from '../../src/worker/processShard.ts';
import type { ShardContext, ShardRunOptions } from '../../src/worker/shardContext.ts';
import { binTargets } from '../../src/worker/stages/chooseVariants.ts';
import { openTableWriter } from '../../src/worker/tables/tableWriter.ts';
import type { ShardModels } from '../../src/worker/threads/modelPool.ts';
import { putObjects } from '../helpers/s3Objects.ts';
import { planSampleRun, runSampleShard, runShardOfAnother, sampleSpecs } from '../helpers/sampleRun.ts';
import { withS3 } from '../helpers/services/s3.ts';
import { withFolderStore } from '../helpers/stores.ts';

const options = { signal: new AbortController().signal, onProgress: () => undefined };
const unasked = async () => assert.fail('computed again');

function contextOf(
  store: ObjectStore,
  run: RunFile,
  { processFaces = unasked, combine = unasked }: Partial<ShardModels>,
  more: Partial<ShardContext> = {},
): ShardContext {
  const models: ShardModels = { threads: 1, processFaces, combine };
  return {
    run,
    store,
    corpus: folderSource('/nowhere'),
    plan: openRunPlan(store, run),
    earlier: { read: unasked, close: async () => undefined },
    models: { ...models, inTurn: () => models, close: async () => undefined },
    tableWriter: { encode: unasked, close: async () => undefined },
    device: 'cpu',
    batchFaces: 1,
    readLimit: pLimit(1),
    ...more,
  };
}

/** A corpus in which every photograph is one byte; `fails`: but those whose reading ends the shard. */
function bytesOnly(fails: (uri: string) => boolean = () => false): CorpusSource {
  return {
    ...folderSource('/nowhere'),
    async read(uri) {
      if (fails(uri)) throw new Error(`${uri}: the disk is gone`);
      return { status: 'ok', bytes: new Uint8Array(1) };
    },
  };
}

const face = (dim: number): EmbeddedFace => ({
  facesFound: 1,
  detectionScore: 1,
  pose: { yaw: 0, pitch: 0, roll: 0 },
  landmarks: new Float32Array(136),
  embedding: new Float32Array(dim).fill(dim ** -0.5),
});

test('a shard that is committed is taken already: nothing is read and nothing computed', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store, { subjects: 1 });
    const [spec] = await sampleSpecs(store, run);
    assert.ok(spec);
    const context = contextOf(store, run, {});
    await assert.rejects(processShard(spec, context, options), /computed again/);
    assert.equal(await runSampleShard(store, run, spec, 'first'), 'won');
    assert.equal(await processShard(spec, context, options), 'taken');
  }));

test('a shard is not taken by the commit of another run in its place', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store, { subjects: 1 });
    const [spec] = await sampleSpecs(store, run);
    assert.ok(spec);
    await runShardOfAnother(store, run, spec);
    await assert.rejects(processShard(spec, contextOf(store, run, {}), options), {
      name: 'IntegrityError',
      code: 'other-run',
    });
  }));

test('variants are made of the people whose faces are there, while later faces are computed', () =>
  withFolderStore(async (store) => {
    const [people, variants] = [200, 3];
    const config = { shardFaces: people, variants };
    const run = await planSampleRun(store, { subjects: people, facesPerSubject: 1, config });
    const [spec] = await sampleSpecs(store, run);
    const events = new EventEmitter();
    const combined = once(events, 'combined');
    const models: Partial<ShardModels> = {
      async processFaces(batch) {
        // The last photograph is done after the first variants are, or never.
        if (batch.some(({ faceId }) => faceId.startsWith(`person-${people - 1}`))) await combined;
        return batch.map(() => ({ status: 'ok', face: face(run.embeddingDim) }));
      },
      async combine(pairs) {
        events.emit('combined');
        return pairs.map(({ identity }) => identity);
      },
    };
    const [yaw, pitch, roll] = [Float32Array.from([-30, 0, 30]), new Float32Array(3), new Float32Array(3)];
    const tableWriter = await openTableWriter();
    const context = contextOf(store, run, models, {
      corpus: bytesOnly(),
      tableWriter,
      batchFaces: 8,
      augmentation: {
        targets: {
          ...{ ids: ['a', 'b', 'c'], codes: new Float32Array(3 * POSTURE_DIM), yaw, pitch, roll },
          bins: binTargets({ yaw, pitch }),
        },
        options: { variants, policy: 'coverage', seed: 1, minSimilarity: -1 },
      },
    });
    assert.equal(await processShard(spec!, context, options), 'committed');
    await tableWriter.close();
    const { counters, data } = (await readShardCommit(store, 0))!;
    assert.deepEqual([counters.ok, counters.variants], [people, people * variants]);
    assert.equal(data!.rows, people * (1 + variants));
  }));

test('photographs that are larger than their list says are computed in smaller batches, each once and in its place', () =>
  withFolderStore(async (store) => {
    // The listing says 1,000 bytes each.
    const megabytes = [0, 6, 6, 6, 6, 0, 20, 1, 9, 0, 9, 4];
    const run = await planSampleRun(store, {
      subjects: megabytes.length,
      facesPerSubject: 1,
      config: { shardFaces: megabytes.length, variants: 0 },
    });
    const [spec] = await sampleSpecs(store, run);
    const corpus = join(store.uri, 'corpus');
    const uris = megabytes.map((_, i) => `person-${String(i).padStart(3, '0')}/0.jpg`);
    for (const [i, uri] of uris.entries()) {
      await mkdir(join(corpus, uri, '..'), { recursive: true });
      await writeFile(join(corpus, uri), '');
      await truncate(join(corpus, uri), megabytes[i]! * 2 ** 20 + 1);
    }
    await rm(join(corpus, uris[3]!));
    const batches: { faceId: string; bytes: number }[][] = [];
    const tableWriter = await openTableWriter();
    const models: Partial<ShardModels> = {
      async processFaces(batch) {
        batches.push(batch.map(({ faceId, bytes }) => ({ faceId, bytes: bytes.length })));
        return batch.map(() => ({ status: 'ok', face: face(run.embeddingDim) }));
      },
    };
    const heard: string[] = [];
    const context = contextOf(store, run, models, {
      corpus: folderSource(corpus),
      readLimit: pLimit(16),
      batchFaces: 8,
      tableWriter,
    });
    const onFaces: ShardRunOptions['onFaces'] = (results) => {
      heard.push(...results.map(({ record }) => record.faceId));
    };
    assert.equal(await processShard(spec!, context, { ...options, onFaces }), 'committed');
    await tableWriter.close();
    for (const batch of batches) {
      const bytes = batch.reduce((sum, face) => sum + face.bytes, 0);
      assert.ok(batch.length === 1 || bytes <= 16 * 2 ** 20, JSON.stringify(batch));
    }
    const computed = batches.flat().map(({ faceId }) => faceId);
    assert.deepEqual(computed.sort(), uris.toSpliced(3, 1));
    assert.deepEqual(heard.sort(), uris);
    const { data, counters, rejectsByCode } = (await readShardCommit(store, 0))!;
    assert.deepEqual([counters.ok, rejectsByCode], [uris.length - 1, { 'read/missing': 1 }]);
    const table = readTable((await store.get(data!.key))!, { key: data!.key, columns: ['face_id'] });
    const rows = [...table.batches].flatMap((batch) => [...batch.getChild('face_id')!]);
    assert.deepEqual(rows, uris.toSpliced(3, 1));
  }));

test('a photograph in S3 whose size its list does not say is asked for about once, however large', () =>
  withS3({ conditionalPuts: false }, (service) =>
    withFolderStore(async (store) => {
      const config = { shardFaces: 64, variants: 0 };
      const run = await planSampleRun(store, { subjects: 64, facesPerSubject: 1, bytes: 0, config });
      const [spec] = await sampleSpecs(store, run);
      const uris = Array.from({ length: 64 }, (_, i) => `person-${String(i).padStart(3, '0')}/0.jpg`);
      // The first is not there, and says nothing of the others; one is larger than those before it.
      const megabytes = (i: number) => (i === 20 ? 9 : 2.5 + (i % 5) / 4);
      const objects = uris
        .slice(1)
        .map((uri, i) => [`c/${uri}`, new Uint8Array(megabytes(i) * 2 ** 20)] as const);
      await putObjects(service, Object.fromEntries(objects));
      const ended: string[] = [];
      const corpus = await openCorpusSource(`s3://${service.bucket}/c`, {
        s3: { endpoint: service.endpoint },
        listeners: { onRequest: ({ code }) => ended.push(code) },
      });
      service.requests.length = 0;
      const batches: number[] = [];
      const models: Partial<ShardModels> = {
        async processFaces(batch) {
          batches.push(batch.reduce((sum, { bytes }) => sum + bytes.length, 0));
          return batch.map(() => ({ status: 'ok', face: face(run.embeddingDim) }));
        },
      };
      const tableWriter = await openTableWriter();
      const more = { corpus, readLimit: pLimit(corpus.concurrency), batchFaces: 32, tableWriter };
      assert.equal(await processShard(spec!, contextOf(store, run, models, more), options), 'committed');
      await tableWriter.close();
      await corpus.close();
      assert.equal((await readShardCommit(store, 0))!.counters.ok, 63);
      assert.ok(Math.max(...batches) <= 16 * 2 ** 20, JSON.stringify(batches));
      const asked = service.requests.filter(({ path }) => path.includes('.jpg')).length;
      assert.ok(asked > 64 && asked <= 72, `${asked} requests`);
      // What was asked for again had been called off.
      const count = (code: string) => ended.filter((found) => found === code).length;
      assert.deepEqual([count('ok'), count('missing'), count('aborted')], [63, 1, asked - 64]);
    }),
  ));

test('when a photograph cannot be read for the disk’s sake the shard fails, and no further batch is begun', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store, {
      subjects: 40,
      facesPerSubject: 1,
      config: { shardFaces: 40, variants: 0 },
    });
    const [spec] = await sampleSpecs(store, run);
    const asked: string[] = [];
    const context = contextOf(
      store,
      run,
      {
        async processFaces(batch) {
          asked.push(...batch.map(({ faceId }) => faceId));
          return batch.map(() => ({ status: 'ok', face: face(run.embeddingDim) }));
        },
      },
      { corpus: bytesOnly((uri) => uri.startsWith('person-010')), batchFaces: 4 },
    );
    await assert.rejects(processShard(spec!, context, options), /the disk is gone/);
    assert.equal(await readShardCommit(store, 0), undefined);
    const before = asked.length;
    await new Promise((done) => setTimeout(done, 50));
    assert.equal(asked.length, before, 'a batch was begun after the failure');
    assert.ok(asked.length < 20, `${asked.length} of 40 photographs were computed`);
  }));

test('nothing is heard any more of the photographs of a shard that has failed', () =>
  withFolderStore(async (store) => {
    const config = { shardFaces: 8, variants: 0 };
    const run = await planSampleRun(store, { subjects: 8, facesPerSubject: 1, config });
    const [spec] = await sampleSpecs(store, run);
    const events = new EventEmitter();
    const failed = once(events, 'failed');
    const models: Partial<ShardModels> = {
      async processFaces(batch) {
        if (batch.some(({ faceId }) => faceId.startsWith('person-000'))) throw new Error('the model is gone');
        await failed;
        events.emit('answered');
        return batch.map(() => ({ status: 'ok', face: face(run.embeddingDim) }));
      },
    };
    const heard: string[] = [];
    const heardOf: ShardRunOptions = {
      ...options,
      onProgress: () => void heard.push('progress'),
      onFaces: () => void heard.push('faces'),
    };
    const context = contextOf(store, run, models, { corpus: bytesOnly() });
    await assert.rejects(processShard(spec!, context, heardOf), /the model is gone/);
    const answered = once(events, 'answered');
    events.emit('failed');
    await answered;
    await new Promise((done) => setTimeout(done, 50));
    assert.deepEqual(heard, []);
  }));
