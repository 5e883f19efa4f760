/** The same photographs in other wrappings give the same table. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { posecast } from '../helpers/cli.ts';
import { type FinishedRun, largestDifference, readRun } from '../helpers/readRun.ts';
import { putObjects } from '../helpers/s3Objects.ts';
import { withS3 } from '../helpers/services/s3.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { gnuTar, noGnuTar } from '../producer/tar/tars.ts';

const samples = join(packageRoot, 'samples', 'london');

const PEOPLE = ['001', '002', '003', '004'];
const shape = ['--shard-faces', '4', '--variants', '0'];
let place = '';
let photos = '';
let plain: FinishedRun;

before(async () => {
  place = await mkdtemp(join(tmpdir(), 'posecast-formats-'));
  photos = join(place, 'photos');
  for (const person of PEOPLE) await cp(join(samples, person), join(photos, person), { recursive: true });
  const ran = await posecast(['run', photos, join(place, 'plain'), ...shape]);
  assert.equal(ran.code, 0, ran.stderr);
  plain = await readRun(join(place, 'plain'));
});
after(() => rm(place, { recursive: true }));

/** The photographs in three archives of people, as GNU tar writes them. */
async function writeShards(folder: string): Promise<void> {
  for (const i of [0, 1, 2]) {
    const own = PEOPLE.filter((_, person) => person % 3 === i);
    gnuTar(photos, '-cf', join(folder, `shards-${i}.tar`), ...own);
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
  {
    skip: noGnuTar,
  },
  () =>
    withTempFolder(async (folder) => {
      await writeShards(folder);
      const corpus = join(folder, 'shards-{0..2}.tar');
      const ran = await posecast(['run', corpus, join(folder, 'out'), ...shape]);
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(ran.stderr, /people are named by folder/);
      const run = await readRun(join(folder, 'out'));
      assert.ok(run.rows.every(({ faceId }) => /^shards-\d\.tar\/\d+\//.test(faceId)));
      assert.ok(largestDifference(plain, withoutArchive(run)) <= 1e-5);
      const verified = await posecast(['verify', join(folder, 'out')]);
      assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    }),
);

test(
  'a truncated archive is refused with its offset and nothing is written, or its intact part is planned',
  {
    skip: noGnuTar,
  },
  () =>
    withTempFolder(async (folder) => {
      await writeShards(folder);
      await truncate(join(folder, 'shards-1.tar'), 40_000);
      const request = [join(folder, 'shards-{0..2}.tar'), join(folder, 'out'), ...shape];
      const refused = await posecast(['run', ...request]);
      assert.equal(refused.code, 2, refused.stderr);
      assert.match(refused.stderr, /WebDataset: expected .*shards-1\.tar, offset=\d+/);
      await assert.rejects(stat(join(folder, 'out', 'run.json')), { code: 'ENOENT' });
      const dry = ['--dry-run', '--rate', '100', '--json', '--read-broken-archives'];
      const planned = await posecast(['run', ...request, ...dry]);
      assert.equal(planned.code, 0, planned.stderr);
      assert.match(
        planned.stderr,
        /1 ignored: damage of an archive, and what lies behind it \(shards-1\.tar at byte/,
      );
      const { faces } = JSON.parse(planned.stdout) as { faces: number };
      assert.equal(faces, 7);
    }),
);

test(
  'a prefix and archives in S3 give the table of the folder, also after keys have expired on the way',
  { skip: noGnuTar },
  () =>
    withS3({ conditionalPuts: true }, (service) =>
      withTempFolder(async (folder) => {
        await writeShards(folder);
        const objects: Record<string, Buffer> = {};
        const files = await readdir(photos, { recursive: true });
        for (const file of files.filter((name) => name.endsWith('.jpg'))) {
          objects[`photos/${file}`] = await readFile(join(photos, file));
        }
        for (const i of [0, 1, 2]) {
          objects[`tars/shards-${i}.tar`] = await readFile(join(folder, `shards-${i}.tar`));
        }
        await putObjects(service, objects);
        for (const corpus of ['photos', 'tars/shards-{0..2}.tar']) {
          const out = join(folder, corpus.slice(0, 4));
          const request = [`s3://${service.bucket}/${corpus}`, out, ...shape];
          const run = () => posecast(['run', ...request, '--corpus-s3-endpoint', service.endpoint]);
          if (corpus === 'photos') {
            const isRead = ({ path }: { path: string }) => path.endsWith('.jpg?x-id=GetObject');
            service.fate = (request) => (isRead(request) ? { status: 400, code: 'ExpiredToken' } : 'pass');
            const stopped = await run();
            assert.equal(stopped.code, 1, stopped.stderr);
            assert.match(stopped.stdout, /stopped: the corpus cannot be read; what is committed stays/);
            service.fate = () => 'pass';
          }
          const ran = await run();
          assert.equal(ran.code, 0, ran.stderr);
          assert.ok(largestDifference(plain, withoutArchive(await readRun(out))) <= 1e-5, corpus);
        }
      }),
    ),
);
