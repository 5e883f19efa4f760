import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { appendToRun } from '../../../src/producer/append/appendToRun.ts';
import { planRun } from '../../../src/producer/planRun.ts';
import { parseRunConfig } from '../../../src/shared/config.ts';
import { describeError } from '../../../src/shared/errors.ts';
import { readPlan } from '../../../src/shared/listing/shardPlan.ts';
import { isFinished } from '../../../src/shared/run/committedShards.ts';
import { finalizeRun } from '../../../src/shared/run/finalizeRun.ts';
import { addRetryGeneration, readRunShards } from '../../../src/shared/run/generations.ts';
import { readManifest } from '../../../src/shared/run/manifest.ts';
import { pauseRun, readPause } from '../../../src/shared/run/pause.ts';
import type { RunFile } from '../../../src/shared/run/runFile.ts';
import { noteShardFailure, readShardFailures } from '../../../src/shared/run/shardFailure.ts';
import type { ObjectStore } from '../../../src/shared/store/objectStore.ts';
import { columnOf } from '../../../src/shared/table/columnOf.ts';
import { readTable } from '../../../src/shared/table/readTable.ts';
import { readSubjectRows, type SubjectRow } from '../../../src/shared/table/tables.ts';
import { verifyRun } from '../../../src/verify/verifyRun.ts';
import {
  commitRest,
  commitSample,
  faceIdOf,
  type GrowingCorpus,
  growingCorpus,
  type Listed,
  planSample,
} from '../../helpers/appendSample.ts';
import { MODELS } from '../../helpers/sampleRun.ts';
import { STORES, storeKeys, withFolderStore } from '../../helpers/stores.ts';
import { writeTable } from '../../helpers/tableFiles.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';
import { writeTar } from '../tar/tars.ts';

/** Sorted by UTF-8, which is another order than JavaScript's for the last two. */
const NAMES = ['anna', 'bert', 'cleo', 'dora', '\uFEFFanna', '\uFF5Ax', '\u{1F600}'];

interface Place {
  readonly corpus: GrowingCorpus;
  readonly store: ObjectStore;
}

const inPlace = (run: (place: Place) => Promise<void>, withStore = withFolderStore): Promise<void> =>
  withTempFolder((folder) => withStore((store) => run({ corpus: growingCorpus(folder), store })));

async function readPeople(store: ObjectStore): Promise<SubjectRow[]> {
  const key = 'subjects.parquet';
  const rows: SubjectRow[] = [];
  for (const batch of readTable((await store.get(key))!, { key }).batches)
    rows.push(...readSubjectRows(batch));
  return rows;
}

/** face_id of every real row and reject that the manifest's files hold. */
async function readFaces(store: ObjectStore): Promise<string[]> {
  const found: string[] = [];
  for (const { key } of (await readManifest(store))!.files) {
    for (const batch of readTable((await store.get(key))!, { key }).batches) {
      const kinds = batch.getChild('kind');
      for (let i = 0; i < batch.numRows; i++) {
        if (kinds?.get(i) !== 'augmented') found.push(String(columnOf(batch, 'face_id')?.get(i)));
      }
    }
  }
  return found.sort();
}

async function assertWhole(store: ObjectStore, faces: readonly Listed[]): Promise<void> {
  const report = await verifyRun(store);
  assert.deepEqual(report.problems, []);
  assert.deepEqual(await readFaces(store), faces.map(faceIdOf).sort());
}

/** A finished run of the first people, and their corpus grown. */
async function grownRun({ corpus, store }: Place): Promise<RunFile> {
  await corpus.list(FIRST);
  const { run } = await corpus.plan(store);
  await commitRest(store, run);
  await corpus.list([...FIRST, ...LATER]);
  return run;
}
const FIRST: Listed[] = [
  ['bert', '1'],
  ['bert', '2'],
  ['dora', '1'],
];
const LATER: Listed[] = [
  ['anna', '1'],
  ['bert', '0'],
  ['cleo', '1'],
  ['cleo', '2'],
  ['dora', '2'],
];

test('of an append it is heard how much of the whole corpus is listed', () =>
  inPlace(async (place) => {
    const { corpus, store } = place;
    const run = await grownRun(place);
    const others = Array.from({ length: 1_200 }, (_, i): Listed => [`p${Math.floor(i / 10) + 100}`, `${i}`]);
    await corpus.list([...FIRST, ...others]);
    const heard: object[] = [];
    const onListed = (listed: object) => heard.push({ ...listed });
    const { status } = await appendToRun(run, corpus.config, store, { corpusS3: {}, onListed });
    assert.equal(status, 'planned');
    assert.deepEqual(heard, [
      // The list is read to its end first.
      { faces: 500 },
      { faces: 1_000 },
      // Three faces of two people come first.
      { faces: 500, subjects: 52 },
      { faces: 1_000, subjects: 102 },
    ]);
  }));

test('of an append the notes of the whole corpus are heard, as of a first run', () =>
  withTempFolder((folder) =>
    withFolderStore(async (store) => {
      const config = parseRunConfig({
        corpus: join(folder, 'a.tar'),
        corpusFormat: 'webdataset',
        imageRoot: folder,
      });
      const plan = async (): Promise<string[]> => {
        const lines: string[] = [];
        const note = (line: string) => lines.push(line);
        const { run } = await planRun(config, store, { models: MODELS, append: true, note });
        await commitRest(store, run);
        return lines;
      };
      const members = ['0.jpg', '1.cls', '1.jpg', '0.cls'].map((name) => [name, name[0]!] as const);
      await writeTar(config.corpus, members);
      const first = await plan();
      await writeTar(config.corpus, [...members, ['2.jpg', 'x'], ['2.cls', '1']]);
      assert.deepEqual(await plan(), first);
      assert.match(first.join('\n'), /named by cls.*\n.*unsorted archives: 1 samples/);
    }),
  ));

test('however a corpus arrives, its rows are those of the whole, each face once, and nobody’s class_index changes', () =>
  fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom('1', '2', '3', '4'), fc.nat(3)), {
        selector: ([name, face]) => `${name}/${face}`,
        minLength: 1,
        maxLength: 14,
      }),
      (arrivals) =>
        inPlace(async ({ corpus, store }) => {
          let runId: string | undefined;
          let before: SubjectRow[] = [];
          for (const night of [0, 1, 2, 3]) {
            const faces = arrivals.filter(([, , when]) => when <= night).map(([a, b]): Listed => [a, b]);
            if (faces.length === 0) continue;
            await corpus.list(faces);
            const { run } = await corpus.plan(store);
            runId ??= run.runId;
            assert.equal(run.runId, runId);
            await commitRest(store, run);
            await assertWhole(store, faces);
            const people = await readPeople(store);
            assert.deepEqual(
              people.slice(0, before.length).map(({ subjectId }) => subjectId),
              before.map(({ subjectId }) => subjectId),
            );
            assert.deepEqual(
              people.map(({ classIndex }) => classIndex),
              [...people.keys()],
            );
            for (const { subjectId, faces: real, rejects } of people) {
              assert.equal(real + rejects, faces.filter(([name]) => name === subjectId).length, subjectId);
            }
            before = people;
          }
          const manifest = await readManifest(store);
          assert.equal(manifest?.corpus.faces, arrivals.length);
        }),
    ),
    { numRuns: 8 },
  ));

test('people whose names differ by a U+FEFF at the beginning alone are two, in a run and in an append', () =>
  inPlace(async ({ corpus, store }) => {
    const faces: Listed[] = [
      ['anna', '1'],
      ['bert', '1'],
      ['\uFEFFanna', '1'],
    ];
    await corpus.list(faces);
    await commitRest(store, (await corpus.plan(store)).run);
    await assertWhole(store, faces);
    const more: Listed[] = [...faces, ['\uFEFFanna', '2']];
    await corpus.list(more);
    await commitRest(store, (await corpus.plan(store)).run);
    await assertWhole(store, more);
    const shown = (await readPeople(store)).map(({ subjectId, faces }) => [subjectId, faces]);
    assert.deepEqual(shown, [
      ['anna', 1],
      ['bert', 1],
      ['\uFEFFanna', 2],
    ]);
  }));

test('new people follow the old ones, known people keep their places, and the manifest lists what came', () =>
  inPlace(async (place) => {
    const { corpus, store } = place;
    const run = await grownRun(place);
    const old = await readManifest(store);
    const { append } = await corpus.plan(store);
    assert.ok(append?.status === 'planned');
    const { added, subjects, gone } = append.generation;
    assert.deepEqual([added, subjects.rows, gone], [{ faces: 5, subjects: 2, bytes: 0 }, 4, 0]);
    assert.equal(await isFinished(store), false);
    assert.deepEqual(await readManifest(store), old, 'readers keep the old manifest');
    for (const { key } of old?.files ?? []) assert.ok(await store.head(key), 'with its files');
    await commitRest(store, run);
    assert.equal(await isFinished(store), true);
    await assertWhole(store, [...FIRST, ...LATER]);
    assert.deepEqual(
      (await readPeople(store)).map(({ subjectId, faces, rejects }) => [subjectId, faces + rejects]),
      [
        ['bert', 3],
        ['dora', 2],
        ['anna', 1],
        ['cleo', 2],
      ],
    );
    const manifest = await readManifest(store);
    const [generation] = manifest?.generations ?? [];
    assert.ok(generation?.kind === 'append');
    const { createdAt: _, corpus: found, ...rest } = generation;
    assert.equal(found.faces, 8);
    assert.deepEqual(rest, {
      generation: 1,
      kind: 'append',
      firstShard: 1,
      shards: 2,
      added: { faces: 5, subjects: 2, bytes: 0 },
      gone: 0,
      counters: { faces: 5, ok: 5, rejected: 0, variants: 6, variantsRejected: 4 },
    });
  }));

test('without --append a grown corpus is refused with what --append would do; with it, a shrunken one loses no row', () =>
  inPlace(async (place) => {
    const { corpus, store } = place;
    const run = await grownRun(place);
    await assert.rejects(corpus.plan(store, false), {
      code: 'another-run',
      message: /faces: 3 there, 8 asked.*--append processes what is new/,
    });
    await corpus.list(LATER);
    const { append } = await corpus.plan(store);
    assert.ok(append?.status === 'planned');
    assert.equal(append.generation.gone, 3);
    await commitRest(store, run);
    await assertWhole(store, [...FIRST, ...LATER]);
    const again = await corpus.plan(store);
    assert.deepEqual(again.append, { status: 'nothing', gone: 3 });
    await corpus.list([...FIRST, ...LATER]);
    assert.deepEqual((await corpus.plan(store)).append, { status: 'nothing', gone: 0 }, 'they are known');
    await corpus.list(LATER);
    assert.equal((await corpus.plan(store, false)).resumed, true, 'the corpus is the one last found');
  }));

const REFUSED: Record<string, [(line: string) => string, string, RegExp]> = {
  'lies in another file': [
    (line) => line.replace(/,bert\/1$/, ',elsewhere/1'),
    'photographs-changed',
    /found 1 with another file or size.*changed=bert\/1 \(bert\/1 → elsewhere\/1\)/,
  ],
  'belongs to somebody else now': [
    (line) => line.replace('bert/1,bert,', 'bert/1,cleo,'),
    'photographs-relabelled',
    /relabelled=bert\/1 \(bert → cleo\)/,
  ],
};
for (const [what, [change, code, message]] of Object.entries(REFUSED)) {
  test(`a photograph that ${what} is refused by name, and nothing is written`, () =>
    inPlace(async (place) => {
      const { corpus, store } = place;
      await grownRun(place);
      await corpus.list([...FIRST, ...LATER], change);
      const keys = await storeKeys(store);
      await assert.rejects(corpus.plan(store), { name: 'ConfigError', code, message });
      assert.deepEqual(await storeKeys(store), keys);
    }));
}

/** `faceId` null, in all rows: the table has no column for it. */
type TableRow = readonly [faceId: string | null, subjectId: string, image: string];

/**
 * A finished run over a table of images, of which another is put in the place. `append`: what comes of it, with the
 * notes.
 */
const withTable = (
  use: (
    write: (rows: readonly TableRow[], name?: string) => void,
    plan: () => Promise<{ readonly run: RunFile; readonly append: string; readonly notes: string[] }>,
    store: ObjectStore,
  ) => Promise<void>,
  corpusFormat: 'parquet' | 'arrow',
  named = `*.${corpusFormat}`,
): Promise<void> =>
  withTempFolder((folder) =>
    withFolderStore((store) => {
      const corpus = join(folder, named);
      const config = parseRunConfig({ corpus, corpusFormat, imageRoot: folder, variants: 0, shardFaces: 3 });
      return use(
        (rows, name = 'faces') => {
          const faceIds = rows.map(([faceId]) => faceId);
          writeTable(
            join(folder, `${name}.${corpusFormat}`),
            {
              ...(!faceIds.includes(null) && { face_id: { type: 'text', values: faceIds } }),
              subject_id: { type: 'text', values: rows.map(([, subjectId]) => subjectId) },
              image: { type: 'bytes', values: rows.map(([, , image]) => Buffer.from(image)) },
            },
            { format: corpusFormat },
          );
        },
        async () => {
          const notes: string[] = [];
          const { run, append } = await planSample(config, store, {
            append: true,
            note: (line) => notes.push(line),
          });
          const added = append?.status === 'planned' ? ` ${append.generation.added.faces}` : '';
          return { run, append: `${append?.status}${added}`, notes };
        },
        store,
      );
    }),
  );

for (const format of ['parquet', 'arrow'] as const) {
  test(`rows that are added to a table of images are new, and those of before known, whatever sizes they have on average [${format}]`, () =>
    withTable(async (write, plan, store) => {
      write([
        ['a1', 'anna', 'one'],
        ['b1', 'bert', 'two'],
      ]);
      const { run } = await plan();
      await commitRest(store, run);
      write([
        ['a1', 'anna', 'one'],
        ['b1', 'bert', 'two'],
        ['b2', 'bert', 'three, which is longer'.repeat(50)],
      ]);
      const { append, notes } = await plan();
      assert.equal(append, 'planned 1');
      assert.deepEqual(notes, []);
    }, format));

  test(`photographs that have moved to other rows of their table are known, and that they have is said [${format}]`, () =>
    withTable(async (write, plan, store) => {
      write([
        ['b1', 'bert', 'two'],
        ['a1', 'anna', 'one'],
        ['c1', 'cleo', 'three'],
      ]);
      const { run } = await plan();
      await commitRest(store, run);
      write([
        ['a1', 'anna', 'one'],
        ['b1', 'bert', 'two'],
        ['c1', 'cleo', 'three'],
      ]);
      const { append, notes } = await plan();
      assert.equal(append, 'nothing');
      const moved = `a1: row 1 → 0 of faces.${format}, b1: row 0 → 1 of faces.${format}`;
      assert.match(notes.join(), new RegExp(`^2 photographs are in other rows .*\\[${moved}\\]`));
      assert.match(notes.join(), /read\/another-row/);
    }, format));
}

test('where faces are called by file and row, a table with other rows than were listed is refused; another table is not', () =>
  withTable(async (write, plan, store) => {
    const rows: TableRow[] = [
      [null, 'x', 'one'],
      [null, 'x', 'two'],
      [null, 'y', 'three'],
    ];
    write(rows);
    await commitRest(store, (await plan()).run);
    write(rows.slice(0, 2), 'more');
    const { run, append } = await plan();
    assert.equal(append, 'planned 2');
    await commitRest(store, run);
    const keys = await storeKeys(store);
    for (const others of [rows.toSpliced(2, 0, [null, 'y', 'new']), [...rows, rows[2]!], rows.slice(0, 2)]) {
      write(others);
      await assert.rejects(plan(), {
        code: 'rows-changed',
        message: new RegExp(
          `called by file and row.*new files.*--face-id-column.*\\[changed=faces.parquet \\(3 → ${others.length} rows\\)\\]`,
        ),
      });
      assert.deepEqual(await storeKeys(store), keys);
    }
    write(rows);
    assert.equal((await plan()).append, 'nothing');
  }, 'parquet'));

for (const [named, advice] of [
  ['', /found 1 with others; put new rows into new files, or start a new run with --face-id-column/],
  [
    'f*.parquet',
    /found 1 with others; put new rows into new files, or start a new run with --face-id-column/,
  ],
  ['faces.parquet', /found 1 with others; start a new run with --face-id-column/],
  ['{faces,more}.parquet', /found 1 with others; start a new run with --face-id-column/],
] as const) {
  test(`new files are advised where a new file is one of the corpus [CORPUS=${named}]`, () =>
    withTable(
      async (write, plan, store) => {
        write([[null, 'x', 'two']], 'more');
        write([[null, 'x', 'one']]);
        await commitRest(store, (await plan()).run);
        write([
          [null, 'x', 'one'],
          [null, 'x', 'new'],
        ]);
        await assert.rejects(plan(), { code: 'rows-changed', message: advice });
      },
      'parquet',
      named,
    ));
}

test('photographs that have other labels now are known, and that they have is said', () =>
  withTempFolder((folder) =>
    withFolderStore(async (store) => {
      const config = parseRunConfig({
        ...{ corpus: join(folder, 'faces.csv'), corpusFormat: 'csv', imageRoot: folder, variants: 0 },
        labelColumns: [
          { name: 'mood', type: 'string' },
          { name: 'age', type: 'integer' },
        ],
      });
      const list = (...labels: string[]) =>
        writeFile(
          config.corpus,
          ['face_id,subject_id,path,mood,age', ...labels.map((label, i) => `f${i},p,${i}.jpg,${label}`)].join(
            '\n',
          ),
        );
      await list('happy,31', ',', 'sad,');
      await commitRest(store, (await planSample(config, store)).run);
      await list('happy,32', ',', 'calm,', 'new,1');
      await assert.rejects(
        planSample(config, store),
        /the corpus has changed since: faces: 3 there, 4 asked/,
      );
      const notes: string[] = [];
      const { run, append } = await planSample(config, store, {
        append: true,
        note: (line) => notes.push(line),
      });
      assert.ok(append?.status === 'planned');
      assert.equal(append.generation.added.faces, 1);
      assert.deepEqual(notes, [
        '2 photographs have other labels now [f0: age 31 → 32, f2: mood "sad" → "calm"]: their rows keep the old ones; only a new ' +
          'run has the new',
      ]);
      await commitRest(store, run);
      await list('happy,32', ',', 'calm,', ',1');
      await assert.rejects(planSample(config, store), /same counts, other names, places, sizes or labels/);
    }),
  ));

test('an append waits until what came before is committed', () =>
  inPlace(async ({ corpus, store }) => {
    await corpus.list(FIRST);
    const { run } = await corpus.plan(store);
    await corpus.list([...FIRST, ...LATER]);
    assert.deepEqual((await corpus.plan(store)).append, { status: 'waits', missing: 1 });
    await commitRest(store, run);
    assert.equal((await corpus.plan(store)).append?.status, 'planned');
    assert.deepEqual((await corpus.plan(store)).append, { status: 'waits', missing: 2 });
  }));

for (const name of ['folder', 's3 with conditional puts'] as const) {
  test(`${name}: of several appends at once one gets the generation, the others wait for it`, () =>
    inPlace(async (place) => {
      const { corpus, store } = place;
      const run = await grownRun(place);
      const outcomes = await Promise.all(Array.from({ length: 4 }, () => corpus.plan(store)));
      const planned = outcomes.filter(({ append }) => append?.status === 'planned');
      assert.equal(planned.length, 1);
      assert.ok(outcomes.every(({ append }) => append?.status === 'planned' || append?.status === 'waits'));
      const plans = (await storeKeys(store, 'listing/')).filter((key) => key.includes('-g0001-'));
      assert.equal(plans.length, 3, `the listings of the others are gone: ${plans}`);
      await commitRest(store, run);
      await assertWhole(store, [...FIRST, ...LATER]);
    }, STORES[name]));
}

test('an append killed between any two writes is done by the same command, and leaves nothing behind', () =>
  inPlace(async (place) => {
    const { corpus, store } = place;
    const run = await grownRun(place);
    let steps = 0;
    for (let most = 0; ; most++) {
      const planned = await corpus.plan(mortalStore(store, most)).catch((error: Error) => error);
      const manifest = await readManifest(store);
      assert.equal(manifest?.totals.faces, FIRST.length, 'the old manifest stands');
      if (!(planned instanceof Error)) break;
      assert.match(describeError(planned), /killed/);
      steps++;
    }
    assert.ok(steps >= 5, `killed ${steps} times`);
    const { append } = await corpus.plan(store);
    assert.equal(append?.status, 'waits', 'the generation is there');
    await commitRest(store, run);
    await assertWhole(store, [...FIRST, ...LATER]);
  }));

test('an append whose generation cannot be written leaves the run finished, and no listing of its own', () =>
  inPlace(async (place) => {
    const { corpus, store } = place;
    await finalizeRun(store, await grownRun(place));
    const keys = await storeKeys(store);
    const full: ObjectStore = {
      ...store,
      putIfAbsent: () => Promise.reject(new Error('no room')),
    };
    await assert.rejects(corpus.plan(full), /no room/);
    assert.deepEqual([await storeKeys(store), await isFinished(store)], [keys, true]);
  }));

/** Takes so many writes; then its process is dead. */
function mortalStore(store: ObjectStore, most: number): ObjectStore {
  let left = most;
  const dying = <T>(write: () => Promise<T>): Promise<T> => {
    if (left-- > 0) return write();
    left = 0;
    return Promise.reject(new Error('killed'));
  };
  return {
    ...store,
    put: (...args) => dying(() => store.put(...args)),
    putIfAbsent: (...args) => dying(() => store.putIfAbsent(...args)),
    delete: (...args) => dying(() => store.delete(...args)),
  };
}

test('a listing of the next append, which is being planned or was broken off, is no problem of the run', () =>
  inPlace(async (place) => {
    const { corpus, store } = place;
    const run = await grownRun(place);
    let killed = false;
    const watched: ObjectStore = {
      ...store,
      async delete(key, signal) {
        // The first thing after the listing.
        if (key === '_SUCCESS') {
          assert.deepEqual((await verifyRun(store)).problems, []);
          killed = true;
        }
        if (killed) throw new Error('killed');
        return store.delete(key, signal);
      },
    };
    await assert.rejects(corpus.plan(watched), /killed/);
    const keys = await storeKeys(store, 'listing/');
    assert.ok(
      keys.some((key) => key.includes('-g0001-')),
      'its listing stays',
    );
    await finalizeRun(store, run);
    await corpus.list(FIRST);
    assert.equal((await corpus.plan(store)).append?.status, 'nothing');
    await assertWhole(store, FIRST);
    await corpus.list([...FIRST, ...LATER]);
    await corpus.plan(store);
    await commitRest(store, run);
    await assertWhole(store, [...FIRST, ...LATER]);
  }));

test('a finisher that slept through an append puts its late manifest right', () =>
  inPlace(async (place) => {
    const { corpus, store } = place;
    const run = await grownRun(place);
    let woken = false;
    let appended: RunFile | undefined;
    const sleeping: ObjectStore = {
      ...store,
      async put(key, body, signal) {
        if (key === 'manifest.json' && !woken) {
          woken = true;
          appended = (await corpus.plan(store)).run;
          await commitRest(store, appended);
        }
        return store.put(key, body, signal);
      },
    };
    assert.equal((await finalizeRun(sleeping, run)).status, 'finished');
    await assertWhole(store, [...FIRST, ...LATER]);
  }));

test('a finisher that slept while an append was planned cannot declare it done, and leaves its pause and its failures', () =>
  inPlace(async (place) => {
    const { corpus, store } = place;
    const run = await grownRun(place);
    const note = { runId: run.runId, code: 'disk-full', message: 'no room', attempts: 3, host: 'h' };
    const failed = (shard: number) =>
      noteShardFailure(store, { ...note, shard, failedAt: '2026-01-02T00:00:00.000Z' });
    await failed(0);
    let woken = false;
    const sleeping: ObjectStore = {
      ...store,
      async put(key, body, signal) {
        if (key === 'manifest.json' && !woken) {
          woken = true;
          await corpus.plan(store);
          await failed((await readRunShards(store, run)).numbers - 1);
          await pauseRun(store, { runId: run.runId, since: '2026-01-02T00:00:00.000Z', host: 'h' });
        }
        return store.put(key, body, signal);
      },
    };
    assert.equal((await finalizeRun(sleeping, run)).status, 'unfinished');
    assert.equal(await store.head('_SUCCESS'), undefined);
    assert.notEqual(await readPause(store, run.runId), undefined);
    const shards = (await readShardFailures(store, run.runId)).map(({ shard }) => shard);
    assert.deepEqual(shards, [2], 'that of a committed shard is void');
    await commitRest(store, run);
    await assertWhole(store, [...FIRST, ...LATER]);
  }));

test('shards of an append can be done again, and those before it after it', () =>
  inPlace(async (place) => {
    const { corpus, store } = place;
    const run = await grownRun(place);
    await corpus.plan(store);
    await commitRest(store, run);
    const shards = await readRunShards(store, run);
    assert.deepEqual([shards.places, shards.numbers], [3, 3]);
    const createdAt = '2026-01-02T00:00:00.000Z';
    await addRetryGeneration(store, run, shards, { codes: null, replaces: [0, 2], createdAt });
    const retried = await readRunShards(store, run);
    assert.deepEqual([0, 1, 2].map(retried.shardAt), [3, 1, 4]);
    assert.equal(retried.listingAt(2).generation, 1);
    await commitRest(store, run);
    await assertWhole(store, [...FIRST, ...LATER]);
    await corpus.list([...FIRST, ...LATER, ['eva', '1']]);
    const { append } = await corpus.plan(store);
    assert.ok(append?.status === 'planned');
    assert.deepEqual([append.generation.generation, append.generation.firstShard], [3, 5]);
    await commitRest(store, run);
    await assertWhole(store, [...FIRST, ...LATER, ['eva', '1']]);
    assert.equal((await readPeople(store)).at(-1)?.subjectId, 'eva');
  }));

const TAMPERED: Record<string, [(store: ObjectStore) => Promise<void>, RegExp]> = {
  'a generation that was taken away': [(store) => store.delete('generations/0001.json'), /manifest|stray/],
  'a generation whose corpus is another one': [
    (store) => editJson(store, 'generations/0001.json', (file) => ({ ...file, gone: 7 })),
    /"manifest"/,
  ],
  'a manifest that tells another story of a generation': [
    (store) =>
      editJson(store, 'manifest.json', (file) => {
        const [generation] = file.generations as { added: object }[];
        return { ...file, generations: [{ ...generation, added: { faces: 5, subjects: 1, bytes: 0 } }] };
      }),
    /"manifest"/,
  ],
  'a listing of an append that was altered': [
    async (store) => {
      const [key] = (await storeKeys(store, 'listing/part-')).filter((name) => name.includes('-g0001-'));
      await store.put(key!, Buffer.from('PAR1 is not enough'));
    },
    /"checksum"/,
  ],
  'a table of people of an append that is missing': [
    async (store) => store.delete((await storeKeys(store, 'listing/subjects-'))[0]!),
    /"missing-file"/,
  ],
  'a half listing of an append that nobody named': [
    async (store) => {
      const [plan] = await storeKeys(store, 'listing/shards-');
      const key = plan!.replace(/\.parquet$/, '-g0001-abcdef.parquet');
      await store.put(key, (await store.get(plan!))!);
    },
    /"stray-file"/,
  ],
};
for (const [what, [tamper, codes]] of Object.entries(TAMPERED)) {
  test(`verification of an appended run names ${what}`, () =>
    inPlace(async (place) => {
      const { corpus, store } = place;
      const run = await grownRun(place);
      await corpus.plan(store);
      await commitRest(store, run);
      await tamper(store);
      const report = await verifyRun(store);
      assert.equal(report.ok, false);
      assert.match(JSON.stringify(report.problemCounts), codes);
    }));
}

test('a shard that gives two people one class_index is not finished, and verification names it', () =>
  inPlace(async (place) => {
    const { corpus, store } = place;
    const run = await grownRun(place);
    await corpus.plan(store);
    const shards = await readRunShards(store, run);
    const listing = shards.listings[1]!;
    for await (const { spec } of readPlan(store, listing.planId)) {
      const numbered = { ...spec, runId: run.runId, index: shards.shardAt(listing.firstPlace + spec.index) };
      await commitSample(store, run, numbered, (rows) => {
        rows.subjects = rows.subjects.map((row) =>
          row.subjectId === 'dora' ? { ...row, classIndex: 0 } : row,
        );
      });
    }
    await assert.rejects(finalizeRun(store, run), { code: 'class-index' });
    const { problemCounts } = await verifyRun(store);
    assert.ok((problemCounts['missing-subject'] ?? 0) > 0, JSON.stringify(problemCounts));
  }));

test('verification names a person who has more variants than were asked for', () =>
  inPlace(async ({ corpus, store }) => {
    await corpus.list(FIRST);
    const { run } = await corpus.plan(store);
    for await (const { spec } of readPlan(store, run.runId)) {
      await commitSample(store, run, spec, (rows) => {
        const last = rows.data.at(-1)!;
        for (const faceId of ['one more', 'and another']) {
          rows.data.push({ ...last, faceId, variant: run.config.variants });
        }
        rows.subjects = rows.subjects.map((row) =>
          row.subjectId === last.subjectId
            ? { ...row, variants: row.variants + 2, variantsRejected: 0 }
            : row,
        );
      });
    }
    await finalizeRun(store, run);
    const { problems } = await verifyRun(store);
    assert.deepEqual(
      problems.map(({ code, message }) => [code, message]),
      [['too-many-variants', 'dora has 5 variants, the run asks for 4']],
    );
  }));

async function editJson(
  store: ObjectStore,
  key: string,
  edit: (file: Record<string, unknown>) => object,
): Promise<void> {
  const file = JSON.parse(Buffer.from((await store.get(key))!).toString('utf8'));
  await store.put(key, Buffer.from(JSON.stringify(edit(file))));
}
