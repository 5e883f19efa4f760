import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, rename, rm, symlink, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { PosecastError } from '../../src/shared/errors.ts';
import { finalizeRun } from '../../src/shared/run/finalizeRun.ts';
import { addRetryGeneration, readRunShards } from '../../src/shared/run/generations.ts';
import { type RunManifest, readManifest } from '../../src/shared/run/manifest.ts';
import type { RunFile } from '../../src/shared/run/runFile.ts';
import { planKey } from '../../src/shared/run/runKeys.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { verifyRun } from '../../src/verify/verifyRun.ts';
import {
  type ChangeRows,
  makeSampleRun,
  planSampleRun,
  runSampleShard,
  type SampleOptions,
  sampleSpecs,
} from '../helpers/sampleRun.ts';
import { STORES, storeKeys, withFolderStore } from '../helpers/stores.ts';

for (const [name, withStore] of Object.entries(STORES)) {
  test(`${name}: a finished run has no problems, and the report counts what was read`, () =>
    withStore(async (store) => {
      await finalizeRun(store, await makeSampleRun(store));
      const report = await verifyRun(store);
      assert.deepEqual(report.problems, []);
      assert.equal(report.ok, true);
      const { bytes, ...checked } = report.checked;
      assert.ok(bytes > 0);
      assert.deepEqual(checked, {
        shards: 4,
        files: 12,
        rows: 42,
        faces: 28,
        subjects: 7,
        rejected: 7,
        variants: 21,
      });
    }));
}

for (const config of [
  { format: 'arrow' },
  { embeddingType: 'float16' },
  { format: 'arrow', embeddingType: 'float16', withLandmarks: true, withPostureCode: true },
] as const) {
  test(`a run written as ${JSON.stringify(config)} has no problems`, () =>
    withFolderStore(async (store) => {
      await finalizeRun(store, await makeSampleRun(store, { config }));
      assert.deepEqual((await verifyRun(store)).problems, []);
    }));
}

test('verification names a label that the listing does not have, and any label of a generated row', () =>
  withFolderStore(async (store) => {
    const labelColumns = [
      { name: 'mood', type: 'string' as const },
      { name: 'age', type: 'integer' as const },
    ];
    const sound = await makeSampleRun(store, { config: { labelColumns } });
    await finalizeRun(store, sound);
    assert.deepEqual((await verifyRun(store)).problems, []);
  }).then(() =>
    withFolderStore(async (store) => {
      const labelColumns = [{ name: 'age', type: 'integer' as const }];
      const change: ChangeRows = (rows, { index }) => {
        if (index !== 0) return;
        for (const kind of ['real', 'augmented']) {
          const at = rows.data.findIndex((row) => row.kind === kind);
          rows.data[at] = { ...rows.data[at]!, labels: [31] };
        }
      };
      await finalizeRun(store, await makeSampleRun(store, { config: { labelColumns }, change }));
      const { problems } = await verifyRun(store);
      assert.deepEqual(
        problems.map(({ code, message }) => `${code}: ${message}`),
        [
          'wrong-label: person-000/0.jpg has the labels [31], the listing says [null]',
          'wrong-label: augmented row has labels of a photograph: person-000#0',
        ],
      );
    }),
  ));

test('a run without faces that could be used has no problems', () =>
  withFolderStore(async (store) => {
    const change: ChangeRows = (rows) => {
      const real = rows.data.filter((row) => row.kind === 'real');
      for (const { faceId, subjectId } of real) {
        rows.rejects.push({
          faceId,
          subjectId,
          uri: faceId,
          stage: 'decode',
          code: 'bad-image',
          message: 'broken',
        });
      }
      rows.data = [];
      rows.subjects = rows.subjects.map((row) => ({
        ...row,
        faces: 0,
        rejects: row.faces + row.rejects,
        variants: 0,
        variantsRejected: 0,
      }));
    };
    await finalizeRun(store, await makeSampleRun(store, { change }));
    assert.deepEqual((await verifyRun(store)).problems, []);
  }));

/** The codes verification gives when a shard's worker did something wrong. */
async function codesAfter(change: ChangeRows): Promise<string[]> {
  let codes: string[] = [];
  await withFolderStore(async (store) => {
    const only: ChangeRows = (rows, spec) => {
      if (spec.index === 1) change(rows, spec);
    };
    await finalizeRun(store, await makeSampleRun(store, { change: only }));
    const report = await verifyRun(store);
    assert.equal(report.ok, report.problems.length === 0);
    codes = Object.keys(report.problemCounts).sort();
  });
  return codes;
}

/** The first row of a kind, as a thing to change. */
function first(rows: Parameters<ChangeRows>[0], kind: 'real' | 'augmented') {
  const index = rows.data.findIndex((row) => row.kind === kind);
  return { index, row: rows.data[index]! };
}

const WRONG_ROWS: Record<string, { change: ChangeRows; codes: string[] }> = {
  'an embedding of another length than 1': {
    change: (rows) => {
      const { index, row } = first(rows, 'real');
      rows.data[index] = { ...row, embedding: row.embedding.map((value) => value * 1.01) };
    },
    codes: ['norm'],
  },
  'an embedding with a NaN': {
    change: (rows) => {
      first(rows, 'augmented').row.embedding[3] = Number.NaN;
    },
    codes: ['not-finite'],
  },
  'an infinite angle': {
    change: (rows) => {
      const { index, row } = first(rows, 'real');
      rows.data[index] = { ...row, yaw: Number.POSITIVE_INFINITY };
    },
    codes: ['not-finite'],
  },
  'a face of another shard in place of its own': {
    change: (rows) => {
      const { index, row } = first(rows, 'real');
      rows.data[index] = { ...row, faceId: 'person-000/0.jpg' };
    },
    codes: ['bad-source', 'duplicate', 'missing-face', 'unknown-face'],
  },
  'a face given to another person': {
    change: (rows) => {
      const { index, row } = first(rows, 'real');
      rows.data[index] = { ...row, subjectId: 'person-003' };
    },
    codes: ['subject-count', 'wrong-subject'],
  },
  'two rows for one face and none for another': {
    change: (rows) => {
      const [a, b] = rows.data.filter((row) => row.kind === 'real');
      rows.data[rows.data.indexOf(b!)] = { ...b!, faceId: a!.faceId };
    },
    codes: ['duplicate', 'face-twice', 'missing-face'],
  },
  'a variant from another person': {
    change: (rows) => {
      const { index, row } = first(rows, 'augmented');
      rows.data[index] = { ...row, sourceFaceId: 'person-003/0.jpg' };
    },
    codes: ['bad-source'],
  },
  'a variant named like a variant of another shard': {
    change: (rows) => {
      const { index, row } = first(rows, 'augmented');
      rows.data[index] = { ...row, faceId: 'person-000#0' };
    },
    codes: ['duplicate'],
  },
  'a variant without a number': {
    change: (rows) => {
      const { index, row } = first(rows, 'augmented');
      rows.data[index] = { ...row, variant: null };
    },
    codes: ['bad-row'],
  },
  'a person with a wrong count': {
    change: (rows) => {
      rows.subjects[0] = { ...rows.subjects[0]!, faces: 99 };
    },
    codes: ['subject-count'],
  },
  'a person without all the variants that the run asks for, kept or dropped': {
    change: (rows) => {
      rows.subjects[0] = { ...rows.subjects[0]!, variantsRejected: 0 };
    },
    codes: ['variant-count'],
  },
  'a person of whom more variants were dropped than the run asks for': {
    change: (rows) => {
      rows.subjects[0] = { ...rows.subjects[0]!, variantsRejected: 99 };
    },
    codes: ['variant-count'],
  },
  'a person replaced by another': {
    change: (rows) => {
      rows.subjects[1] = { ...rows.subjects[1]!, subjectId: 'somebody' };
    },
    codes: ['missing-subject', 'unknown-subject'],
  },
};

for (const [name, { change, codes }] of Object.entries(WRONG_ROWS)) {
  test(`verification names ${name}`, async () => assert.deepEqual(await codesAfter(change), codes));
}

type Damage = (store: ObjectStore) => Promise<void>;

async function someKey(store: ObjectStore, prefix: string): Promise<string> {
  return (await storeKeys(store, prefix))[1] as string;
}

async function replaceText(store: ObjectStore, key: string, from: string, to: string): Promise<void> {
  const text = Buffer.from((await store.get(key)) ?? []).toString();
  assert.ok(text.includes(from));
  await store.put(key, Buffer.from(text.replace(from, to)));
}

const DAMAGE: Record<string, { damage: Damage; codes: string[] }> = {
  'one flipped bit of a data file': {
    damage: async (store) => {
      const key = await someKey(store, 'data/');
      const bytes = Buffer.from((await store.get(key)) ?? []);
      bytes[100] = (bytes[100] ?? 0) ^ 1;
      await store.put(key, bytes);
    },
    codes: ['checksum'],
  },
  'a data file cut short': {
    damage: async (store) => {
      const key = await someKey(store, 'data/');
      await store.put(key, (await store.get(key))?.subarray(0, 500) ?? new Uint8Array());
    },
    codes: ['size'],
  },
  'a missing rejects file': {
    damage: async (store) => store.delete(await someKey(store, 'rejects/')),
    codes: ['missing-file'],
  },
  'a missing commit': {
    damage: async (store) => store.delete('commits/00000002.json'),
    codes: ['missing-commit'],
  },
  'a commit that is not JSON': {
    damage: (store) => store.put('commits/00000002.json', Buffer.from('{')),
    codes: ['damaged'],
  },
  'a commit with an unknown key': {
    damage: (store) => replaceText(store, 'commits/00000003.json', '"attemptId"', '"extra": 1, "attemptId"'),
    codes: ['damaged'],
  },
  'commits that count rejects by other codes than their tables have': {
    damage: async (store) => {
      for (const key of [...(await storeKeys(store, 'commits/')), 'manifest.json'])
        await replaceText(store, key, 'detect/no-face', 'read/missing');
    },
    codes: ['counters'],
  },
  'commits and a manifest that count more dropped variants than the tables of people': {
    damage: async (store) => {
      await replaceText(store, 'commits/00000001.json', '"variantsRejected": 2', '"variantsRejected": 3');
      await replaceText(store, 'manifest.json', '"variantsRejected": 7', '"variantsRejected": 8');
    },
    codes: ['counters'],
  },
  'a missing manifest': { damage: (store) => store.delete('manifest.json'), codes: ['no-manifest'] },
  'a manifest with other totals': {
    damage: (store) =>
      replaceText(store, 'manifest.json', '"faces": 28,\n    "ok"', '"faces": 29,\n    "ok"'),
    codes: ['manifest'],
  },
  'a missing _SUCCESS': { damage: (store) => store.delete('_SUCCESS'), codes: ['not-finished'] },
  'another subjects table': {
    damage: async (store) => store.put('subjects.parquet', Buffer.from('x')),
    codes: ['checksum'],
  },
  'a file of an attempt that lost': {
    damage: async (store) => store.put('data/00000001-late.parquet', Buffer.from('x')),
    codes: ['stray-file'],
  },
  'a listing part that was changed': {
    damage: async (store) => {
      const key = (await storeKeys(store, 'listing/part-'))[0] as string;
      const bytes = Buffer.from((await store.get(key)) ?? []);
      await store.put(key, Buffer.concat([bytes.subarray(0, 4), bytes]));
    },
    codes: ['checksum', 'damaged'],
  },
  'a missing plan': {
    damage: async (store) => store.delete((await storeKeys(store, 'listing/shards-'))[0]!),
    codes: ['missing-file'],
  },
  'a plan that is not a table': {
    damage: async (store) =>
      store.put((await storeKeys(store, 'listing/shards-'))[0]!, Buffer.from('garbage')),
    codes: ['damaged'],
  },
  'the plan of a run of larger shards': { damage: planOf({ config: { shardFaces: 12 } }), codes: ['plan'] },
  'the plan of a run of more people': { damage: planOf({ subjects: 9 }), codes: ['plan'] },
  'a folder in the place of the plan': { damage: folderAt('listing/shards-'), codes: ['missing-file'] },
  'a folder in the place of a data file': { damage: folderAt('data/'), codes: ['damaged'] },
  'a link in the place of a rejects file': {
    damage: async (store) => {
      const path = join(store.uri, await someKey(store, 'rejects/'));
      await rename(path, `${store.uri}-moved`);
      await symlink(`${store.uri}-moved`, path);
    },
    codes: ['damaged'],
  },
  'a pipe in the place of a table of people': {
    damage: async (store) => {
      const path = join(store.uri, await someKey(store, 'subjects/'));
      await rm(path);
      execFileSync('mkfifo', [path]);
    },
    codes: ['damaged'],
  },
  'a data file of more bytes than can be read at once': {
    damage: async (store) => truncate(join(store.uri, await someKey(store, 'data/')), 3 * 2 ** 30),
    codes: ['damaged'],
  },
  'a folder in the place of a commit': { damage: folderAt('commits/'), codes: ['damaged'] },
  'a folder in the place of the merged table of people': {
    damage: folderAt('subjects.parquet'),
    codes: ['damaged'],
  },
  'a folder in the place of the manifest': { damage: folderAt('manifest.json'), codes: ['damaged'] },
  'a folder in the place of _SUCCESS': { damage: folderAt('_SUCCESS'), codes: ['damaged'] },
  'a folder in the place of a listing part': { damage: folderAt('listing/part-'), codes: ['damaged'] },
};

/** Puts the plan of another sample run in the place of this one's. */
function planOf(options: SampleOptions): Damage {
  return async (store) => {
    await withFolderStore(async (other) => {
      const { runId } = await planSampleRun(other, options);
      await store.put(planKey(runId), (await other.get(planKey(runId)))!);
    });
  };
}

/** Puts an empty folder in the place of an object, the last of those under the prefix. */
function folderAt(prefix: string): Damage {
  return async (store) => {
    const path = join(store.uri, (await storeKeys(store, prefix)).at(-1) ?? prefix);
    await rm(path);
    await mkdir(path);
  };
}

test('verification says that the run has changed meanwhile, and takes no new file for one that nobody names', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    await finalizeRun(store, run);
    let changes = 0;
    const changing: ObjectStore = {
      ...store,
      get: async (key, ...rest) => {
        if (key === 'commits/00000003.json' && changes++ === 0) {
          const shards = await readRunShards(store, run);
          const asked = { codes: null, replaces: [0], createdAt: '2026-01-02T00:00:00.000Z' };
          const { firstShard } = await addRetryGeneration(store, run, shards, asked);
          const [spec] = await sampleSpecs(store, run);
          await runSampleShard(store, run, { ...spec!, index: firstShard }, 'again');
          await finalizeRun(store, run);
        }
        return store.get(key, ...rest);
      },
    };
    const report = await verifyRun(changing);
    assert.deepEqual([report.ok, report.problemCounts], [false, { 'run-changed': 1 }]);
    assert.match(report.problems[0]?.message ?? '', /generations have come or gone while .*verify it again/);
    assert.deepEqual((await verifyRun(store)).problems, []);
  }));

for (const code of ['not-readable', 'EIO']) {
  test(`verification names files that the system does not read, and checks all others [${code}]`, () =>
    withFolderStore(async (store) => {
      await finalizeRun(store, await makeSampleRun(store));
      await store.delete(await someKey(store, 'rejects/'));
      const unreadable = [await someKey(store, 'data/'), 'commits/00000002.json', 'subjects.parquet'];
      const refuses: ObjectStore = {
        ...store,
        get: async (key, ...rest) => {
          if (unreadable.includes(key)) throw Object.assign(new Error(`${code}: refused`), { code });
          return store.get(key, ...rest);
        },
      };
      const { problems } = await verifyRun(refuses);
      const damaged = problems.filter((problem) => problem.code === 'damaged');
      assert.deepEqual(damaged.map(({ key }) => key).sort(), unreadable.sort());
      assert.ok(problems.some((problem) => problem.code === 'missing-file'));
    }));
}

for (const [name, { damage, codes }] of Object.entries(DAMAGE)) {
  test(`verification names ${name}`, () =>
    withFolderStore(async (store) => {
      await finalizeRun(store, await makeSampleRun(store));
      await damage(store);
      const report = await verifyRun(store);
      assert.deepEqual(
        Object.keys(report.problemCounts).sort(),
        codes,
        JSON.stringify(report.problems, null, 1),
      );
    }));
}

/** Fields of a manifest with what somebody may have written there. */
const WRONG_FIELDS: Record<string, (manifest: RunManifest) => unknown> = {
  'table.embeddingDim': (manifest) => ({ table: { ...manifest.table, embeddingDim: 256 } }),
  'table.embeddingType': (manifest) => ({ table: { ...manifest.table, embeddingType: 'float16' } }),
  'table.format': (manifest) => ({ table: { ...manifest.table, format: 'arrow' } }),
  'table.columns': (manifest) => ({ table: { ...manifest.table, columns: ['x'] } }),
  'recognizer.name': ({ recognizer }) => ({ recognizer: { ...recognizer, name: 'other' } }),
  fra: () => ({ fra: { name: 'other', digest: 'd' } }),
  posecastVersion: () => ({ posecastVersion: '9.9.9' }),
  finishedAt: () => ({ finishedAt: '2020-01-01T00:00:00.000Z' }),
  'corpus.bytes': ({ corpus }) => ({ corpus: { ...corpus, bytes: 1 } }),
  shards: () => ({ shards: 3 }),
  'totals.ok': ({ totals }) => ({ totals: { ...totals, ok: 1 } }),
  'totals.variantsRejected': ({ totals }) => ({ totals: { ...totals, variantsRejected: 99 } }),
  'totals.bytes': ({ totals }) => ({ totals: { ...totals, bytes: 1 } }),
  'totals.subjects': ({ totals }) => ({ totals: { ...totals, subjects: 1 } }),
  'rejectsByCode.detect/no-face': () => ({ rejectsByCode: {} }),
  'rejectsByCode.constructor': ({ rejectsByCode }) => ({
    rejectsByCode: { ...rejectsByCode, constructor: 1 },
  }),
  'subjects.rows': ({ subjects }) => ({ subjects: { ...subjects, rows: 3 } }),
  'subjects.bytes': ({ subjects }) => ({ subjects: { ...subjects, bytes: 3 } }),
};

for (const [field, change] of Object.entries(WRONG_FIELDS)) {
  test(`verification names a field of the manifest that the commits do not make so: ${field}`, () =>
    withFolderStore(async (store) => {
      await finalizeRun(store, await makeSampleRun(store));
      const manifest = (await readManifest(store))!;
      const changed = { ...manifest, ...(change(manifest) as Partial<RunManifest>) };
      await store.put('manifest.json', Buffer.from(JSON.stringify(changed)));
      const { problems } = await verifyRun(store);
      assert.deepEqual(
        problems.map(({ code, key, message }) => `${code} ${key} ${message.split(':')[0]}`),
        [`manifest manifest.json ${field}`],
      );
      assert.match(problems[0]?.message ?? '', /: expected .+, found .+/);
    }));
}

/** What somebody may have written into run.json, which then says two things, or another thing than its tables. */
const WRONG_RUN: Record<string, { change: (run: RunFile) => Partial<RunFile>; problems: string[] }> = {
  'another digest of the recogniser': {
    change: ({ models }) => ({ models: { ...models, 'fr-feature': 'e'.repeat(64) } }),
    problems: [`run-file run.json models.fr-feature: expected ${'d'.repeat(64)}, found ${'e'.repeat(64)}`],
  },
  'no digest of the recogniser': {
    change: () => ({ models: { 'fr-detect': 'a'.repeat(64) } }),
    problems: [`run-file run.json models.fr-feature: expected ${'d'.repeat(64)}, found nothing`],
  },
  'another recogniser': {
    change: ({ config }) => ({ config: { ...config, recognizer: 'arcface-r50' } }),
    problems: ['run-file run.json config.recognizer: expected fr-feature, found arcface-r50'],
  },
  'another FRA model': {
    change: ({ config }) => ({ config: { ...config, fra: 'mobilefacenet-192' } }),
    problems: ['run-file run.json config.fra: expected fr-feature, found mobilefacenet-192'],
  },
  'a detector that has no digest': {
    change: ({ config }) => ({ config: { ...config, detector: 'mtcnn' } }),
    problems: ['run-file run.json config.detector: expected one of models, found mtcnn'],
  },
  'another number of variants': {
    change: ({ config }) => ({ config: { ...config, variants: 5 } }),
    problems: Array.from({ length: 7 }, (_, i) => {
      const key = `subjects/0000000${Math.floor(i / 2)}-attempt-${Math.floor(i / 2)}.parquet`;
      return `variant-count ${key} person-00${i} has 3 variants and 1 that were dropped, expected 5 in all`;
    }),
  },
};

for (const [name, { change, problems: expected }] of Object.entries(WRONG_RUN)) {
  test(`verification names a run.json with ${name}`, () =>
    withFolderStore(async (store) => {
      const planned = await makeSampleRun(store);
      const run = { ...planned, fra: { name: 'fr-feature', digest: 'f'.repeat(64) } };
      await store.put('run.json', Buffer.from(JSON.stringify(run)));
      await finalizeRun(store, run);
      assert.deepEqual((await verifyRun(store)).problems, []);
      await store.put('run.json', Buffer.from(JSON.stringify({ ...run, ...change(run) })));
      const { problems } = await verifyRun(store);
      assert.deepEqual(
        problems.map(({ code, key, message }) => `${code} ${key} ${message}`),
        expected,
      );
    }));
}

test('where one file of a run is not a file, all others are still checked', () =>
  withFolderStore(async (store) => {
    // Face ids that occur twice are looked for in the files again.
    const change: ChangeRows = (rows, { index }) => {
      if (index !== 3) return;
      const { index: at, row } = first(rows, 'augmented');
      rows.data[at] = { ...row, faceId: 'person-000#0' };
    };
    await finalizeRun(store, await makeSampleRun(store, { change }));
    await folderAt('data/00000002')(store);
    const key = (await storeKeys(store, 'data/00000001'))[0]!;
    await store.put(key, Buffer.from('x'));
    const { problemCounts, checked } = await verifyRun(store);
    assert.deepEqual(problemCounts, { size: 1, damaged: 1, duplicate: 1 });
    assert.equal(checked.shards, 4);
  }));

test('a store that does not answer ends the verification: nothing in it is called damaged', () =>
  withFolderStore(async (store) => {
    await finalizeRun(store, await makeSampleRun(store));
    for (const prefix of [
      '',
      'listing/',
      'commits/',
      'data/',
      'subjects.parquet',
      'manifest.json',
      '_SUCCESS',
    ]) {
      const silent: ObjectStore = {
        ...store,
        async get(key, range, signal) {
          if (key.startsWith(prefix)) throw new PosecastError('s3-failed', 'S3 get failed', { key });
          return store.get(key, range, signal);
        },
      };
      await assert.rejects(verifyRun(silent), { code: 's3-failed' }, prefix);
    }
    // Parts are read whole, and then in ranges.
    const silentRanges: ObjectStore = {
      ...store,
      async get(key, range, signal) {
        if (range !== undefined) throw new PosecastError('s3-failed', 'S3 get failed', { key });
        return store.get(key, range, signal);
      },
    };
    await assert.rejects(verifyRun(silentRanges), { code: 's3-failed' });
  }));

test('a run that is still under way is not finished, and its shards without a commit are named', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store);
    const [spec] = await sampleSpecs(store, run);
    await runSampleShard(store, run, spec!, 'a');
    const report = await verifyRun(store);
    assert.deepEqual(report.problemCounts, { 'missing-commit': 3, 'no-manifest': 1, 'not-finished': 1 });
  }));

test('a store without a run is a configuration error', () =>
  withFolderStore(async (store) => {
    await assert.rejects(verifyRun(store), { name: 'ConfigError', code: 'no-run' });
  }));
