/** Photographs that are added to a corpus, with the real networks. */
import assert from 'node:assert/strict';
import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { addRetryGeneration, readRunShards } from '../../src/shared/run/generations.ts';
import { requireRunFile } from '../../src/shared/run/runFile.ts';
import { SUCCESS_KEY } from '../../src/shared/run/runKeys.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { readTable } from '../../src/shared/table/readTable.ts';
import { readSubjectRows, type SubjectRow } from '../../src/shared/table/tables.ts';
import { verifyRun } from '../../src/verify/verifyRun.ts';
import { addSamples } from '../helpers/addSamples.ts';
import { posecast } from '../helpers/cli.ts';
import { type FinishedRun, readRun } from '../helpers/readRun.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const samples = join(packageRoot, 'samples', 'london');
const VARIANTS = 3;
const options = ['--variants', String(VARIANTS), '--shard-faces', '4'];

/** `004` has both photographs from the start, `001` and `006` get a second one, `003` and `007` come later. */
const BEFORE = ['001/neutral', '004/neutral', '004/smile', '006/smile'];
const LATER = ['001/smile', '003/neutral', '003/smile', '006/neutral', '007/smile'];

async function readSubjects(out: string): Promise<SubjectRow[]> {
  const key = 'subjects.parquet';
  const rows: SubjectRow[] = [];
  for (const batch of readTable(await readFile(join(out, key)), { key }).batches)
    rows.push(...readSubjectRows(batch));
  return rows;
}

/** Rows by face_id, of one kind, of some people. */
function rowsOf(run: FinishedRun, kind: 'real' | 'augmented', people?: readonly string[]) {
  const rows = run.rows.filter((row) => row.kind === kind && (people?.includes(row.subjectId) ?? true));
  return new Map(rows.map((row) => [row.faceId, row]));
}

function assertSameEmbeddings(found: ReturnType<typeof rowsOf>, expected: ReturnType<typeof rowsOf>): void {
  assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort());
  for (const [faceId, { embedding }] of found) {
    const other = expected.get(faceId)!.embedding;
    const largest = Math.max(...embedding.map((value, i) => Math.abs(value - other[i]!)));
    assert.ok(largest <= 1e-5, `${faceId} differs by ${largest}`);
  }
}

test('an appended run has the real rows of a single run, keeps what it had, and gives new people what a single run gives', () =>
  withTempFolder(async (folder) => {
    const [corpus, out, single] = ['corpus', 'out', 'single'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await addSamples(corpus, BEFORE);
    const first = await posecast(['run', corpus, out, ...options, '--append']);
    assert.equal(first.code, 0, first.stderr);
    const before = await readRun(out);
    const peopleBefore = await readSubjects(out);

    await addSamples(corpus, LATER);
    const refused = await posecast(['run', corpus, out, ...options]);
    assert.equal(refused.code, 2, 'without --append as ever');
    assert.match(refused.stderr, /faces: 4 there, 9 asked.*; --append processes what is new/);
    const appended = await posecast(['run', corpus, out, ...options, '--append']);
    assert.equal(appended.code, 0, appended.stderr);
    assert.match(
      appended.stderr,
      /generation 1: 5 new photographs in 2 shards, of 2 new people and 2 who have rows already/,
    );
    assert.equal((await posecast(['verify', out])).code, 0);
    assert.equal((await posecast(['run', corpus, single, ...options])).code, 0);
    const [after, expected] = [await readRun(out), await readRun(single)];

    assertSameEmbeddings(rowsOf(after, 'real'), rowsOf(expected, 'real'));
    const fresh = ['003', '007'];
    assertSameEmbeddings(rowsOf(after, 'augmented', fresh), rowsOf(expected, 'augmented', fresh));
    const rowsAfter = new Map(after.rows.map((row) => [row.faceId, row]));
    for (const row of before.rows) assert.deepEqual(rowsAfter.get(row.faceId), row, 'rows of before stay');
    assert.deepEqual(after.manifest.files.slice(0, before.manifest.files.length), before.manifest.files);

    const people = await readSubjects(out);
    assert.deepEqual(
      people.map(({ subjectId, classIndex }) => [subjectId, classIndex]),
      [...peopleBefore.map(({ subjectId }) => subjectId), ...fresh].map((id, i) => [id, i]),
      'new people get numbers after the others',
    );
    const singles = new Map((await readSubjects(single)).map((row) => [row.subjectId, row]));
    for (const { subjectId, faces, variants, poseCoverageBefore } of people) {
      const other = singles.get(subjectId)!;
      assert.equal(faces, other.faces, subjectId);
      assert.ok(variants <= VARIANTS, subjectId);
      assert.ok(Math.abs(poseCoverageBefore - other.poseCoverageBefore) < 1e-6, 'over all photographs');
    }
    const [generation] = after.manifest.generations;
    assert.ok(generation?.kind === 'append');
    assert.deepEqual(generation.added.faces, 5);
    assert.equal(generation.corpus.sha256, expected.manifest.corpus.sha256);
    assert.deepEqual(after.manifest.corpus, expected.manifest.corpus);
    assert.equal(generation.counters.ok + before.manifest.totals.ok, after.manifest.totals.ok);

    const again = await posecast(['run', corpus, out, ...options, '--append']);
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stderr, /no new photographs/);
    assert.deepEqual(await readRun(out), after);
    assert.equal(
      (await posecast(['run', corpus, out, ...options])).code,
      0,
      'the corpus is the known one now',
    );

    await rm(join(corpus, '003'), { recursive: true });
    await copyFile(join(samples, '010', 'smile.jpg'), join(corpus, '001', 'smile.jpg'));
    const listing = await readdir(join(out, 'listing'));
    const changed = await posecast(['run', corpus, out, ...options, '--append']);
    assert.equal(changed.code, 2);
    assert.match(
      changed.stderr,
      /found 1 with another file or size.*changed=001\/smile.jpg \(\d+ → \d+ bytes\)/,
    );
    assert.deepEqual(await readdir(join(out, 'listing')), listing, 'nothing is written');
  }));

test('shards that are done again after an append know the rows that came since: nobody gets more variants than were asked for', () =>
  withTempFolder(async (folder) => {
    const [images, out, single] = ['images', 'out', 'single'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const list = join(folder, 'faces.csv');
    const write = (names: readonly string[]) => {
      const lines = names.map((name) => `${name},${name.split('/')[0]},${name}.jpg`);
      return writeFile(list, `face_id,subject_id,path\n${lines.join('\n')}\n`);
    };
    const run = async (to: string, ...more: string[]) => {
      const ran = await posecast(['run', list, to, '--image-root', images, ...options, ...more]);
      assert.equal(ran.code, 0, ran.stderr);
    };
    const retry = () => posecast(['retry-failed', out, '--codes', 'read/missing', '--json']);
    const retried = async () => {
      const { code, stdout, stderr } = await retry();
      assert.equal(code, 0, stderr);
      const { rejecting, waiting } = JSON.parse(stdout);
      return [rejecting.shards, waiting.shards];
    };

    // Of `001` the first photograph is missing, of `006` all, one of them for good; `004` and `007` are there.
    await addSamples(images, ['001/smile', '004/neutral', '004/smile', '007/smile']);
    await write(['001/neutral', '004/neutral', '006/gone', '006/neutral']);
    await run(out);
    await write([
      '001/neutral',
      '004/neutral',
      '006/gone',
      '006/neutral',
      '001/smile',
      '004/smile',
      '006/smile',
      '007/smile',
    ]);
    await run(out, '--append');
    await addSamples(images, ['001/neutral', '006/neutral', '006/smile']);
    await run(single);
    const expected = await readRun(single);
    const singles = new Map((await readSubjects(single)).map((row) => [row.subjectId, row]));
    const assertCoverage = async (people: readonly string[]) => {
      for (const { subjectId, poseCoverageBefore } of await readSubjects(out)) {
        if (!people.includes(subjectId)) continue;
        const other = singles.get(subjectId)!.poseCoverageBefore;
        assert.ok(Math.abs(poseCoverageBefore - other) < 1e-6, `${subjectId}: over all photographs`);
      }
    };

    assert.deepEqual(await retried(), [1, 1], 'two shards hold 006: one after the other');
    const early = await retry();
    assert.equal(early.code, 2);
    assert.match(early.stderr, /1 shard must wait for other shards of the same people/);
    await run(out);
    assert.equal((await posecast(['verify', out])).code, 0);
    await assertCoverage(['001', '004', '007']);
    assert.deepEqual(await retried(), [1, 1], 'the one with the photograph that is gone was done last');
    await run(out);
    const verified = await posecast(['verify', out]);
    assert.equal(verified.code, 0, verified.stdout);

    const found = await readRun(out);
    assertSameEmbeddings(rowsOf(found, 'real'), rowsOf(expected, 'real'));
    for (const id of ['001', '004', '006', '007']) {
      assert.equal(rowsOf(found, 'augmented', [id]).size, rowsOf(expected, 'augmented', [id]).size, id);
    }
    assert.equal(new Set(found.rows.map(({ faceId }) => faceId)).size, found.rows.length);
    const similarity = (of: FinishedRun, faceId: string) =>
      of.rows.find((row) => row.faceId === faceId)!.similarity;
    assert.ok(
      Math.abs(similarity(found, '001/neutral') - similarity(expected, '001/neutral')) < 1e-5,
      'to the centroid of all photographs',
    );
    await assertCoverage(['001', '004', '006', '007']);

    // As a version did that let both be done at the same time.
    const store = await openStore(out);
    const file = await requireRunFile(store);
    const shards = await readRunShards(store, file);
    const replaces = [0, 1].map(shards.shardAt).sort((a, b) => a - b);
    await store.delete(SUCCESS_KEY);
    await addRetryGeneration(store, file, shards, { codes: null, replaces, createdAt: file.createdAt });
    await run(out);
    const both = await verifyRun(store);
    assert.deepEqual(both.problems, []);
    assertSameEmbeddings(rowsOf(await readRun(out), 'real'), rowsOf(expected, 'real'));
    await store.close();
  }));
