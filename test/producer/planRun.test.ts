import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { planRun } from '../../src/producer/planRun.ts';
import { parseRunConfig, type RunConfig, type RunConfigInput } from '../../src/shared/config.ts';
import { readPlan } from '../../src/shared/listing/shardPlan.ts';
import { type RunModels, readRunFile } from '../../src/shared/run/runFile.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { CREDENTIALS, withEnvironment } from '../helpers/services/s3.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { collect, writeFiles } from './corpusFiles.ts';
import { writeTar } from './tar/tars.ts';

const DIGEST = 'a'.repeat(64);
const MODELS: RunModels = {
  models: { 'fr-feature': DIGEST },
  recognizer: { name: 'fr-feature', digest: DIGEST },
  embeddingDim: 512,
  fra: null,
};
const CORPUS = { 'anna/1.jpg': 'a', 'anna/2.jpg': 'b', 'bert/1.jpg': 'c', 'cleo/1.jpg': 'd' };

interface Place {
  readonly folder: string;
  readonly corpus: string;
  readonly out: string;
  readonly store: ObjectStore;
  config(change?: Partial<RunConfigInput>): RunConfig;
}

function withPlace<T>(body: (place: Place) => Promise<T>): Promise<T> {
  return withTempFolder(async (folder) => {
    const corpus = join(folder, 'corpus');
    const out = join(folder, 'out');
    await writeFiles(corpus, CORPUS);
    const store = await openStore(out);
    const config = (change: Partial<RunConfigInput> = {}) =>
      parseRunConfig({ corpus, imageRoot: corpus, corpusFormat: 'folder', shardFaces: 2, ...change });
    try {
      return await body({ folder, corpus, out, store, config });
    } finally {
      await store.close();
    }
  });
}

const plan = (place: Place, change: Partial<RunConfigInput> = {}, models = MODELS) =>
  planRun(place.config(change), place.store, { models });

test('a new run is planned, and run.json is there when the plan is complete', () =>
  withPlace(async (place) => {
    const { run, resumed } = await plan(place);
    assert.equal(resumed, false);
    assert.deepEqual(await readRunFile(place.store), run);
    assert.deepEqual([run.corpus.faces, run.corpus.subjects, run.shards], [4, 3, 2]);
    assert.equal((await collect(readPlan(place.store, run.runId))).length, run.shards);
  }));

test('the same request again resumes the run and writes nothing', () =>
  withPlace(async (place) => {
    const first = await plan(place);
    const keys = await collect(place.store.list(''));
    const second = await plan(place);
    assert.deepEqual(second, { run: first.run, resumed: true });
    assert.deepEqual(await collect(place.store.list('')), keys);
  }));

for (const [what, isList] of [
  ['a folder', false],
  ['a list, which has to be read to its end first,', true],
] as const) {
  test(`of ${what} it is heard how much is listed, when it is planned and when it is compared with its plan`, () =>
    withPlace(async ({ folder, corpus, store, config }) => {
      const photographs = Array.from({ length: 1_200 }, (_, i) => `p${Math.floor(i / 10)}/${i}.jpg`);
      await writeFiles(corpus, Object.fromEntries(photographs.map((path) => [path, ''])));
      const list = join(folder, 'faces.csv');
      const lines = [...Object.keys(CORPUS), ...photographs].map(
        (path) => `${path},${dirname(path)},${path}`,
      );
      await writeFile(list, ['face_id,subject_id,path', ...lines, ''].join('\n'));
      const asked = config(isList ? { corpus: list, corpusFormat: 'csv' } : {});
      for (const _ of ['planned', 'compared']) {
        const heard: object[] = [];
        await planRun(asked, store, { models: MODELS, onListed: (listed) => heard.push({ ...listed }) });
        assert.deepEqual(heard, [
          ...(isList ? [{ faces: 500 }, { faces: 1_000 }] : []),
          // Four faces of the three people of CORPUS come first.
          { faces: 500, subjects: 53 },
          { faces: 1_000, subjects: 103 },
        ]);
      }
    }));
}

const DIFFERENT: Record<string, [Partial<RunConfigInput>, RegExp]> = {
  'another number of variants': [{ variants: 20 }, /OUT holds another run: variants: 10 there, 20 asked \[/],
  'another seed and another format': [
    { seed: 7, format: 'arrow' },
    /seed: 0 there, 7 asked; format: "parquet" there, "arrow" asked/,
  ],
};
for (const [what, [change, message]] of Object.entries(DIFFERENT)) {
  test(`a run asked for with ${what} is refused by name`, () =>
    withPlace(async (place) => {
      await plan(place);
      await assert.rejects(plan(place, change), { name: 'ConfigError', code: 'another-run', message });
    }));
}

test('a run with other model weights is refused by name', () =>
  withPlace(async (place) => {
    await plan(place);
    const models = { ...MODELS, models: { 'fr-feature': 'b'.repeat(64) } };
    await assert.rejects(plan(place, {}, models), {
      message: /another run: model fr-feature: "aaa.*there, "bbb.*asked/,
    });
  }));

test("a run whose FRA model's gate has changed is refused with both; one of before, which does not say, goes on", () =>
  withPlace(async (place) => {
    const gated = (minSimilarity: number) => ({ ...MODELS, minSimilarity });
    const { run } = await plan(place, {}, gated(0.4));
    assert.equal(run.minSimilarity, 0.4);
    assert.equal((await plan(place, {}, gated(0.4))).resumed, true);
    await assert.rejects(plan(place, {}, gated(0.7)), {
      code: 'another-run',
      message: /FRA model's minSimilarity: 0\.4 there, 0\.7 asked/,
    });
    await rm(place.out, { recursive: true });
    await plan(place);
    assert.equal((await plan(place, {}, gated(0.7))).resumed, true);
  }));

test('a corpus that has changed is refused with what changed', () =>
  withPlace(async (place) => {
    await plan(place);
    await writeFiles(place.corpus, { 'dora/1.jpg': 'e' });
    await assert.rejects(plan(place), {
      name: 'ConfigError',
      message: /corpus has changed since: faces: 4 there, 5 asked, subjects: 3 there, 4 asked/,
    });
    await rm(join(place.corpus, 'dora'), { recursive: true });
    await rm(join(place.corpus, 'cleo'), { recursive: true });
    await writeFiles(place.corpus, { 'carl/1.jpg': 'd' });
    await assert.rejects(plan(place), { message: /same counts, other names, places, sizes or labels/ });
  }));

test('a corpus that has only lost photographs is refused with how many, and not sent to --append, which would find nothing', () =>
  withPlace(async (place) => {
    await plan(place);
    await rm(join(place.corpus, 'anna/2.jpg'));
    await rm(join(place.corpus, 'cleo'), { recursive: true });
    await assert.rejects(plan(place), {
      code: 'another-run',
      message:
        /faces: 4 there, 2 asked.*; 2 photographs of the plan are gone: restore them, or start a new run at another OUT \[/,
    });
    await writeFiles(place.corpus, { 'dora/1.jpg': 'e' });
    await assert.rejects(plan(place), {
      message: /faces: 4 there, 3 asked.*; --append processes what is new/,
    });
    await rm(join(place.corpus, 'dora'), { recursive: true });
    await writeFiles(place.corpus, { 'bert/1.jpg': 'another file' });
    await assert.rejects(plan(place), {
      message: /faces: 4 there, 2 asked.*; --append processes what is new/,
    });
  }));

test('an OUT with other files is refused and left alone', () =>
  withPlace(async (place) => {
    await writeFiles(place.out, { 'thesis.doc': 'precious' });
    await assert.rejects(plan(place), {
      name: 'ConfigError',
      code: 'foreign-out',
      message: /file=thesis.doc/,
    });
    assert.deepEqual(await readdir(place.out), ['thesis.doc']);
  }));

test('an OUT inside the folder of a corpus is refused, whatever the folder holds', () =>
  withPlace(async (place) => {
    const inside = await openStore(join(place.corpus, 'out'));
    const prefix = 's3://bucket/corpus';
    for (const corpusFormat of ['folder', 'kdef', 'webdataset', 'parquet', 'arrow'] as const) {
      const local = place.config({ corpusFormat });
      await assert.rejects(
        planRun(local, inside, { models: MODELS }),
        { code: 'out-in-corpus' },
        corpusFormat,
      );
      const there = place.config({ corpusFormat, corpus: prefix, imageRoot: prefix });
      const below = { ...place.store, uri: `${prefix}/out` };
      await assert.rejects(
        planRun(there, below, { models: MODELS }),
        { code: 'out-in-corpus' },
        corpusFormat,
      );
    }
    assert.deepEqual(await readdir(inside.uri).catch(() => []), []);
  }));

test('a corpus and an OUT in S3 are told apart by their service, not by the letters of the scheme', () =>
  withPlace(async (place) => {
    const plan = (corpus: string, endpoint?: string) => {
      const store = { ...place.store, uri: 's3://bucket/corpus/out', endpoint };
      const config = place.config({ corpus, imageRoot: corpus });
      const options = { models: MODELS, corpusS3: { endpoint: 'http://127.0.0.1:1' } };
      return withEnvironment(CREDENTIALS, () => planRun(config, store, options));
    };
    const refused = { code: 'out-in-corpus' };
    await assert.rejects(plan('S3://bucket/corpus', 'http://127.0.0.1:1'), refused);
    await assert.rejects(plan('s3://bucket/corpus', 'http://127.0.0.1:1/'), refused);
    // Nothing answers there: the overlap is looked for before the corpus.
    for (const other of [undefined, 'http://127.0.0.1:2']) {
      await assert.rejects(plan('s3://bucket/corpus', other), { code: 'unreachable' });
    }
  }));

test('an OUT beside the archive that is the corpus is none inside it, and a run that is there goes on', () =>
  withPlace(async (place) => {
    const folder = join(place.folder, 'archives');
    await mkdir(folder);
    await writeTar(join(folder, 'a.tar'), [['anna/1.jpg', 'a']]);
    const tar = { corpusFormat: 'webdataset', imageRoot: folder } as const;
    const beside = await openStore(join(folder, 'out'));
    const config = place.config({ ...tar, corpus: join(folder, 'a.tar') });
    assert.equal((await planRun(config, beside, { models: MODELS })).resumed, false);
    await rm(beside.uri, { recursive: true });

    const whole = { ...tar, corpus: folder };
    const { run } = await plan(place, whole);
    await rename(place.out, beside.uri);
    const again = await planRun(place.config(whole), beside, { models: MODELS });
    assert.deepEqual([again.resumed, again.run.runId], [true, run.runId]);
  }));

test('a missing or empty corpus is refused and nothing is written', () =>
  withPlace(async (place) => {
    await assert.rejects(plan(place, { corpus: join(place.folder, 'absent') }), { code: 'no-corpus' });
    await writeFiles(place.folder, { 'empty/anna/notes.txt': '' });
    await assert.rejects(plan(place, { corpus: join(place.folder, 'empty') }), { code: 'empty-corpus' });
    await writeFiles(place.folder, { 'bad.csv': 'face_id,subject_id,path\na,b,c\na,b,c\n' });
    const csv = { corpus: join(place.folder, 'bad.csv'), corpusFormat: 'csv' } as const;
    await assert.rejects(plan(place, csv), { code: 'bad-csv' });
    await assert.rejects(readdir(place.out), { code: 'ENOENT' });
  }));

test('what a broken-off planning left is replaced', () =>
  withPlace(async (place) => {
    await place.store.put('listing/part-dead-00000.parquet', Buffer.from('half'));
    const { run } = await plan(place);
    const keys = (await collect(place.store.list('listing/'))).map(({ key }) => key);
    assert.ok(keys.length > 0 && keys.every((key) => key.includes(run.runId)), keys.join(' '));
  }));

test('a planning that fails takes its files with it', () =>
  withPlace(async (place) => {
    const full: ObjectStore = {
      ...place.store,
      putIfAbsent: () => Promise.reject(Object.assign(new Error('disk full'), { code: 'ENOSPC' })),
    };
    await assert.rejects(planRun(place.config(), full, { models: MODELS }), { code: 'ENOSPC' });
    assert.deepEqual(await collect(place.store.list('')), []);
  }));

test('of several planners of one OUT one wins, the others take up its run', () =>
  withPlace(async (place) => {
    const planned = await Promise.all(Array.from({ length: 4 }, () => plan(place)));
    assert.equal(new Set(planned.map(({ run }) => run.runId)).size, 1);
    assert.equal(planned.filter(({ resumed }) => !resumed).length, 1);
    const [first] = planned;
    const shards = await collect(readPlan(place.store, first?.run.runId ?? ''));
    assert.equal(shards.length, 2);
    assert.equal((await collect(place.store.list('listing/'))).length, 2);
  }));

test('what is ignored and what is oversize is said', () =>
  withPlace(async (place) => {
    await writeFiles(place.corpus, { 'anna/3.jpg': '', 'anna/notes.txt': '' });
    const lines: string[] = [];
    await planRun(place.config(), place.store, { models: MODELS, note: (line) => lines.push(line) });
    assert.match(lines.join('\n'), /1 ignored: not an image by its extension \(anna\/notes.txt\)/);
    assert.match(lines.join('\n'), /1 oversize shards.*\[largest=anna, faces=3, shardFaces=2\]/);
  }));

test('a face id of the form that variants get is refused before anything is written; one that only looks like it is not', () =>
  withPlace(async (place) => {
    const list = join(place.folder, 'faces.csv');
    const config = { corpus: list, corpusFormat: 'csv' } as const;
    const lines = (...ids: string[]) =>
      writeFile(
        list,
        ['face_id,subject_id,path', ...ids.map((id) => `${id},anna,anna/1.jpg`), ''].join('\n'),
      );
    await lines('one', 'anna#variant-3');
    await assert.rejects(plan(place, config), {
      name: 'ConfigError',
      code: 'reserved-face-id',
      message: /expected face ids that do not end in #variant-<number>.*face=anna#variant-3, subject=anna/,
    });
    assert.equal(existsSync(place.out), false);
    await lines('one', 'anna#variant-', 'anna#variant-3.jpg', '#variant-x');
    assert.equal((await plan(place, config)).run.corpus.faces, 4);
  }));
