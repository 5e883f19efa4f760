/** Runs that measure no poses: what the table then holds, and what the rest of posecast makes of it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { POSE_BINS } from '../../src/shared/poseBins.ts';
import { readShardCommit } from '../../src/shared/run/shardCommit.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { readTable } from '../../src/shared/table/readTable.ts';
import { addSamples } from '../helpers/addSamples.ts';
import { posecast } from '../helpers/cli.ts';
import { writeCropsOf } from '../helpers/cropsOf.ts';
import { largestDifference, readRun } from '../helpers/readRun.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const samples = join(packageRoot, 'samples', 'london');

async function run(corpus: string, out: string, options: readonly string[]): Promise<void> {
  const ran = await posecast(['run', corpus, out, '--variants', '0', ...options]);
  assert.equal(ran.code, 0, ran.stderr);
}

/** Of everybody, of their photographs alone. */
async function coverageOf(out: string): Promise<number[]> {
  const store = await openStore(out, { access: 'read' });
  const bytes = await store.get('subjects.parquet');
  await store.close();
  const { batches } = readTable(bytes!, { key: 'subjects.parquet', columns: ['pose_coverage_before'] });
  const shares = [...batches].flatMap((batch) => [...(batch.getChild('pose_coverage_before') ?? [])]);
  assert.equal(shares.length, 12);
  return shares as number[];
}

/** The stages that took time in the first shard. */
async function stagesOf(out: string): Promise<string[]> {
  const store = await openStore(out, { access: 'read' });
  const commit = await readShardCommit(store, 0);
  await store.close();
  return Object.keys(commit!.timingsMs);
}

for (const [what, options, spared] of [
  ['photographs', [], ['pose']],
  ['crops', ['--aligned'], ['landmarks', 'pose', 'align']],
] as const) {
  test(`without poses ${what} have the same embeddings, and no network works that nothing asks for`, () =>
    withTempFolder(async (folder) => {
      const [full, without] = [join(folder, 'full'), join(folder, 'without')];
      const corpus = what === 'crops' ? join(folder, 'crops') : samples;
      if (what === 'crops') await writeCropsOf(samples, corpus);
      await run(corpus, full, options);
      await run(corpus, without, [...options, '--without-pose']);
      assert.equal((await posecast(['verify', without])).code, 0);
      const [fullStages, stages] = [await stagesOf(full), await stagesOf(without)];
      assert.deepEqual(fullStages.filter((stage) => !stages.includes(stage)).sort(), [...spared].sort());
      const [expected, found] = [await readRun(full), await readRun(without)];
      assert.equal(found.rows.length, 24);
      assert.ok(largestDifference(found, expected) < 1e-6);
      for (const { yaw } of expected.rows) assert.equal(typeof yaw, 'number');
      assert.ok((await coverageOf(full)).every((share) => share >= 1 / POSE_BINS));
      assert.ok((await coverageOf(without)).every((share) => share === 0));
      for (const { yaw } of found.rows) assert.equal(yaw, null);
    }));
}

test('landmarks of crops are found where the table holds them, with poses or without', () =>
  withTempFolder(async (folder) => {
    const [crops, out] = [join(folder, 'crops'), join(folder, 'out')];
    await writeCropsOf(samples, crops);
    await run(crops, out, ['--aligned', '--without-pose', '--with-landmarks']);
    const stages = await stagesOf(out);
    assert.ok(stages.includes('landmarks') && !stages.includes('pose'), stages.join());
  }));

test('posture codes need neither variants nor poses', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    await run(samples, out, ['--without-pose', '--with-posture-code']);
    const { rows } = await readRun(out);
    assert.equal(rows.length, 24);
    for (const { yaw, postureCode } of rows) {
      assert.equal(yaw, null);
      assert.ok(postureCode?.some((value) => value !== 0));
    }
  }));

test('photographs are added to a run without poses as to any other', () =>
  withTempFolder(async (folder) => {
    const [corpus, out, single] = ['corpus', 'out', 'single'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await addSamples(corpus, ['001/neutral', '002/neutral']);
    await run(corpus, out, ['--without-pose', '--append']);
    await addSamples(corpus, ['001/smile', '003/neutral']);
    await run(corpus, out, ['--without-pose', '--append']);
    await run(corpus, single, ['--without-pose']);
    const [found, expected] = [await readRun(out), await readRun(single)];
    assert.equal(found.rows.length, 4);
    assert.ok(largestDifference(found, expected) < 1e-5);
    // By all photographs of the person, those of before included.
    const similarityOf = ({ rows }: typeof found) =>
      rows.find(({ faceId }) => faceId === '001/smile.jpg')!.similarity;
    assert.ok(Math.abs(similarityOf(found) - similarityOf(expected)) < 1e-5);
  }));

test('what needs poses is refused by name: variants before anything is written, pictures of poses afterwards', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    const refused = await posecast(['run', samples, out, '--without-pose']);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /--without-pose needs --variants 0/);
    const benched = await posecast(['bench', samples, '--without-pose']);
    assert.equal(benched.code, 2);
    assert.match(benched.stderr, /--without-pose needs --variants 0/);
    await run(samples, out, ['--without-pose']);
    const drawn = await posecast(['inspect', 'subject', out, '001', '--out', join(folder, 'pictures')]);
    assert.equal(drawn.code, 2);
    assert.match(drawn.stderr, /expected a run with poses, found one made with --without-pose/);
  }));
