/** The same photographs in other wrappings give the same table. */
import assert from 'node:assert/strict';
import { readdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { posecast } from '../helpers/cli.ts';
import { type FinishedRun, largestDifference, readRun } from '../helpers/readRun.ts';
import { putObjects } from '../helpers/s3Objects.ts';
import { withS3 } from '../helpers/services/s3.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { gnuTar, noGnuTar } from '../producer/tar/tars.ts';

const samples = join(packageRoot, 'samples', 'london');

before(async () => {
  const pulled = await posecast(['models', 'pull']);
  assert.equal(pulled.code, 0, pulled.stderr);
});

/** The sample corpus in three archives of people, as GNU tar writes them. */
async function writeShards(folder: string): Promise<void> {
  const people = (await readdir(samples, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const names = people.map(({ name }) => name).sort();
  for (const i of [0, 1, 2]) {
    const own = names.filter((_, place) => place % 3 === i);
    gnuTar(samples, '-cf', join(folder, `shards-${i}.tar`), '--exclude=*.md', ...own);
  }
}

/** Faces are named by their archive there, by their path here. */
function withoutArchive(run: FinishedRun): FinishedRun {
  const strip = (faceId: string) => faceId.replace(/^shards-\d\.tar\//, '');
  return {
    ...run,
    rows: run.rows.map((row) => ({
      ...row,
      faceId: strip(row.faceId),
      sourceFaceId: row.sourceFaceId && strip(row.sourceFaceId),
    })),
  };
}

test(
  'archives of a corpus give the table of its folder, with faces named by their archives',
  { skip: noGnuTar },
  () =>
    withTempFolder(async (folder) => {
      await writeShards(folder);
      const shape = ['--shard-faces', '8', '--variants', '3'];
      const plain = await posecast(['run', samples, join(folder, 'plain'), ...shape]);
      assert.equal(plain.code, 0, plain.stderr);
      const corpus = join(folder, 'shards-{0..2}.tar');
      const ran = await posecast(['run', corpus, join(folder, 'tars'), ...shape]);
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(ran.stderr, /people are named by folder/);
      const tars = await readRun(join(folder, 'tars'));
      assert.ok(tars.rows.every(({ faceId, kind }) => kind !== 'real' || /^shards-\d\.tar\//.test(faceId)));
      assert.equal(tars.manifest.totals.ok, 24);
      const bySubject = withoutArchive(tars);
      // Which photographs variants start from depends on the order of face ids, which the archives change.
      const real = (run: FinishedRun) => ({ ...run, rows: run.rows.filter(({ kind }) => kind === 'real') });
      assert.ok(largestDifference(real(await readRun(join(folder, 'plain'))), real(bySubject)) <= 1e-5);
      const verified = await posecast(['verify', join(folder, 'tars')]);
      assert.equal(verified.code, 0, verified.stdout + verified.stderr);

      await truncate(join(folder, 'shards-1.tar'), 40_000);
      const broken = await posecast(['run', corpus, join(folder, 'broken'), ...shape]);
      assert.equal(broken.code, 2);
      assert.match(broken.stderr, /WebDataset: expected .*shards-1\.tar, offset=\d+/);
      const intact = await posecast([
        'run',
        corpus,
        join(folder, 'intact'),
        ...shape,
        '--read-broken-archives',
      ]);
      assert.equal(intact.code, 0, intact.stderr);
      assert.match(
        intact.stderr,
        /1 ignored: damage of an archive, and what lies behind it \(shards-1\.tar at byte/,
      );
      const { faces } = (await readRun(join(folder, 'intact'))).manifest.totals;
      assert.ok(faces >= 16 && faces < 24, String(faces));
    }),
);

test('a prefix and archives in S3 give the table of the folder', { skip: noGnuTar }, () =>
  withS3({ conditionalPuts: true }, (service) =>
    withTempFolder(async (folder) => {
      await writeShards(folder);
      const shape = ['--shard-faces', '8', '--variants', '0', '--s3-endpoint', service.endpoint];
      const files = await readdir(samples, { recursive: true });
      for (const file of files.filter((name) => name.endsWith('.jpg'))) {
        await putObjects(service, { [`photos/${file}`]: await readFile(join(samples, file)) });
      }
      for (const i of [0, 1, 2]) {
        const name = `shards-${i}.tar`;
        await putObjects(service, { [`tars/${name}`]: await readFile(join(folder, name)) });
      }
      const plain = await posecast(['run', samples, join(folder, 'plain'), ...shape]);
      assert.equal(plain.code, 0, plain.stderr);
      const expected = await readRun(join(folder, 'plain'));
      for (const corpus of ['photos', 'tars/shards-{0..2}.tar']) {
        const out = join(folder, corpus.slice(0, 4));
        const ran = await posecast(['run', `s3://${service.bucket}/${corpus}`, out, ...shape]);
        assert.equal(ran.code, 0, ran.stderr);
        assert.ok(largestDifference(expected, withoutArchive(await readRun(out))) <= 1e-5, corpus);
      }
    }),
  ),
);
