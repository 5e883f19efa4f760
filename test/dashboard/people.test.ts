/** The list of people of a run that was appended to; what the finish writes into `subjects.parquet` is the measure. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CommitLog, openCommitLog } from '../../src/dashboard/data/commitLog.ts';
import { openCoverage } from '../../src/dashboard/data/coverage.ts';
import { openRunPeople, type RunPeople } from '../../src/dashboard/data/people.ts';
import { openShardFiles, type ShardFiles } from '../../src/dashboard/data/shardFiles.ts';
import { readCommittedSet } from '../../src/shared/run/committedShards.ts';
import { finalizeRun } from '../../src/shared/run/finalizeRun.ts';
import { addRetryGeneration, readRunShards } from '../../src/shared/run/generations.ts';
import type { RunFile } from '../../src/shared/run/runFile.ts';
import { SUBJECTS_KEY } from '../../src/shared/run/runKeys.ts';
import { currentSpecs } from '../../src/shared/run/runPlan.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { readTable } from '../../src/shared/table/readTable.ts';
import { readSubjectRows, type SubjectRow } from '../../src/shared/table/tables.ts';
import { verifyRun } from '../../src/verify/verifyRun.ts';
import { commitRest, commitSample, growingCorpus, type Listed } from '../helpers/appendSample.ts';
import { withDashboard } from '../helpers/dashboard.ts';
import { makeSampleRun } from '../helpers/sampleRun.ts';
import { withFolderStore } from '../helpers/stores.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

/** Ids whose order is not that of their coming; `m`, `c` and `x` get photographs in every generation. */
const GENERATIONS: readonly (readonly Listed[])[] = [
  ['c', 'f', 'm', 'm', 'p', 'x', 'x'].map((id, i): Listed => [id, `0-${i}.jpg`]),
  ['a', 'c', 'd', 'd', 'm', 'x', 'z'].map((id, i): Listed => [id, `1-${i}.jpg`]),
  ['b', 'c', 'c', 'd', 'm', 'n', 'x', 'x', 'x'].map((id, i): Listed => [id, `2-${i}.jpg`]),
];

interface Opened {
  readonly log: CommitLog;
  readonly people: RunPeople;
  readonly files: ShardFiles;
  refresh(): Promise<void>;
}

async function openPeople(store: ObjectStore, run: RunFile): Promise<Opened> {
  let shards = await readRunShards(store, run);
  const log = openCommitLog(store, run.runId);
  const files = openShardFiles(run, store);
  const people = openRunPeople(log, files, store, () => shards);
  return {
    log,
    people,
    files,
    async refresh() {
      shards = await readRunShards(store, run);
      await log.refresh(shards);
    },
  };
}

async function finishedSubjects(store: ObjectStore): Promise<SubjectRow[]> {
  const bytes = (await store.get(SUBJECTS_KEY))!;
  return [...readTable(bytes, { key: SUBJECTS_KEY }).batches].flatMap((batch) => [...readSubjectRows(batch)]);
}

test('everybody is listed once, with the numbers that the finish gives them, however the pages are cut', () =>
  withFolderStore((store) =>
    withTempFolder(async (folder) => {
      const corpus = growingCorpus(join(folder));
      const listed: Listed[] = [];
      let opened: Opened | undefined;
      for (const added of GENERATIONS) {
        listed.push(...added);
        await corpus.list(listed);
        const { run } = await corpus.plan(store);
        await commitRest(store, run);
        // Opened at the first generation and kept, as a page that stays open.
        opened ??= await openPeople(store, run);
        const { people, refresh, log, files } = opened;
        await refresh();
        const expected = await finishedSubjects(store);
        assert.equal(await people.count(), expected.length);
        for (const [start, size] of [
          [0, 100],
          [0, 1],
          [2, 3],
          [expected.length - 1, 5],
        ] as const) {
          const page = await people.page(start, size);
          const rows = page.map(({ shard, row, shards, ...rest }) => rest);
          assert.deepEqual(rows, expected.slice(start, start + size));
          for (const person of page) assert.deepEqual(await people.at(person), person);
        }
        const coverage = await openCoverage(log, people, files).read();
        assert.equal(coverage?.people, expected.length, 'everybody counts once');
        assert.ok(Math.abs(coverage!.meanAfter - 0.5) < 1e-6);
      }
      const all = await opened!.people.page(0, 100);
      const generationsOf = (id: string) => all.find(({ subjectId }) => subjectId === id)?.shards.length;
      assert.deepEqual(['x', 'd', 'f', 'b'].map(generationsOf), [3, 2, 1, 1]);
      // A later row of somebody is not a person of its own.
      const later = all.find(({ subjectId }) => subjectId === 'x')!.shards[1]!;
      const rows = await opened!.files.subjects(later);
      const row = rows.findIndex(({ subjectId }) => subjectId === 'x');
      assert.equal(await opened!.people.at({ shard: later, row }), undefined);
    }),
  ));

test('a search finds the person of that name whichever generation they came with, else the next in the alphabet', () =>
  withFolderStore((store) =>
    withTempFolder(async (folder) => {
      const corpus = growingCorpus(folder);
      const listed: Listed[] = [];
      let run: RunFile | undefined;
      for (const added of GENERATIONS) {
        listed.push(...added);
        await corpus.list(listed);
        run = (await corpus.plan(store)).run;
        await commitRest(store, run);
      }
      const { people, refresh } = await openPeople(store, run!);
      await refresh();
      const ids = (await people.page(0, 100)).map(({ subjectId }) => subjectId);
      await fc.assert(
        fc.asyncProperty(
          fc.string({ unit: fc.constantFrom(...'abcdefmnopqxyz'), maxLength: 2 }),
          async (text) => {
            const next = ids.filter((id) => id >= text).sort()[0];
            const expected = next === undefined ? ids.length : ids.indexOf(next);
            assert.equal(await people.positionOf(text), expected);
          },
        ),
      );
    }),
  ));

test('while an append goes on, those committed so far are listed, with what is committed of them', () =>
  withFolderStore((store) =>
    withTempFolder(async (folder) => {
      const corpus = growingCorpus(folder);
      await corpus.list(GENERATIONS[0]!);
      const { run } = await corpus.plan(store);
      await commitRest(store, run);
      const before = await finishedSubjects(store);
      const { people, refresh } = await openPeople(store, run);
      await corpus.list(GENERATIONS.slice(0, 2).flat());
      await corpus.plan(store);
      await refresh();
      assert.deepEqual(
        (await people.page(0, 100)).map(({ shard, row, shards, ...rest }) => rest),
        before,
      );
      // The append's first shard holds `a`, who is new, and more of `c`.
      await commitRest(store, run, 1);
      await refresh();
      const rows = await people.page(0, 100);
      assert.equal(rows.length, before.length + 1);
      assert.equal(rows.at(-1)?.subjectId, 'a');
      assert.equal(rows.find(({ subjectId }) => subjectId === 'c')?.faces, 2);
      assert.equal(rows.find(({ subjectId }) => subjectId === 'x')?.shards.length, 1);
    }),
  ));

test('pose coverage is that of the shard that was done last, the first photographs’ too', () =>
  withFolderStore((store) =>
    withTempFolder(async (folder) => {
      const corpus = growingCorpus(join(folder));
      const [first = [], second = []] = GENERATIONS;
      await corpus.list(first);
      const { run } = await corpus.plan(store);
      const commit = async () => {
        const shards = await readRunShards(store, run);
        const committed = await readCommittedSet(store, shards);
        for await (const { spec } of currentSpecs(run, store, shards)) {
          if (committed.has(spec.index)) continue;
          await commitSample(store, run, spec, (rows) => {
            const poseCoverageBefore = spec.index / 64;
            rows.subjects = rows.subjects.map((row) => ({ ...row, poseCoverageBefore }));
          });
        }
        await finalizeRun(store, run);
      };
      await commit();
      await corpus.list([...first, ...second]);
      await corpus.plan(store);
      await commit();
      const shards = await readRunShards(store, run);
      const createdAt = '2026-01-02T00:00:00.000Z';
      await addRetryGeneration(store, run, shards, { codes: null, replaces: [0], createdAt });
      await commit();
      assert.deepEqual((await verifyRun(store)).problems, []);
      const expected = await finishedSubjects(store);
      assert.equal(
        expected.find(({ subjectId }) => subjectId === 'c')?.poseCoverageBefore,
        shards.numbers / 64,
      );
      const { people, refresh } = await openPeople(store, run);
      await refresh();
      const rows = (await people.page(0, 100)).map(({ shard, row, shards: held, ...rest }) => rest);
      assert.deepEqual(rows, expected);
    }),
  ));

test('a search shows where in the list it stands, passes nobody over, and says when nobody has the name', () =>
  withTempFolder(async (folder) => {
    const store = await openStore(join(folder, 'out'));
    await makeSampleRun(store, { subjects: 60, facesPerSubject: 1, config: { shardFaces: 20 } });
    await store.close();
    await withDashboard([join(folder, 'out')], {}, async ({ url }) => {
      const look = async (query: string) => {
        const page = await (await fetch(`${url}runs/sample-run/people${query}`)).text();
        const [, pager = ''] = /<p class="pager">(.*?)<\/p>/.exec(page) ?? [];
        return {
          people: [...page.matchAll(/<tr data-person.*?> (person-\d+)</g)].map(([, id]) => id),
          range: /<span>(.*?)<\/span>/.exec(pager)?.[1],
          links: [...pager.matchAll(/href="[^"]*people([^"]*)"/g)].map(([, link]) => link),
          note: /data-note="nobody">(.*?)<\/p>/.exec(page)?.[1],
        };
      };
      const found = await look('?find=person-037');
      assert.deepEqual([found.people[0], found.people.at(-1)], ['person-037', 'person-059']);
      assert.deepEqual([found.range, found.note], ['38–60 of 60', undefined]);
      assert.deepEqual(found.links, ['', '?page=2']);
      const before = await look(found.links[1]!);
      assert.deepEqual([before.people.at(-1), before.range], ['person-049', '26–50 of 60']);
      const early = await look('?find=person-003');
      assert.deepEqual([early.range, early.links], ['4–28 of 60', ['', '', '?page=2', '?page=3']]);
      const between = await look('?find=person-0370');
      assert.equal(between.people[0], 'person-038');
      assert.match(between.note ?? '', /^Nobody is called <bdi>person-0370<\/bdi>/);
      const last = await look('?find=zzz');
      assert.deepEqual([last.people.length, last.range], [10, '51–60 of 60']);
      assert.match(last.note ?? '', /^Nobody is called <bdi>zzz<\/bdi>/);
    });
  }));

test('a name that is written from right to left turns nothing of what stands behind it', () =>
  withTempFolder(async (folder) => {
    const store = await openStore(join(folder, 'out'));
    await makeSampleRun(store);
    await store.close();
    await withDashboard([join(folder, 'out')], {}, async ({ url }) => {
      const look = async (path: string) => (await fetch(`${url}runs/sample-run/${path}`)).text();
      assert.match(await look('people?show=0.0'), /<bdi>person-000<\/bdi> <small>3 faces/);
      assert.match(await look('rejects'), /<bdi>person-000<\/bdi> · stage detect · shard 0/);
    });
  }));
