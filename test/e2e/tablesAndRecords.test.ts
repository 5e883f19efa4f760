/** The same photographs as a folder, a RecordIO archive, tables and a KDEF folder, through the whole job. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { readTable } from '../../src/shared/table/readTable.ts';
import { parseTableMetadata } from '../../src/shared/table/tableMetadata.ts';
import { posecast } from '../helpers/cli.ts';
import { kdefNameOf } from '../helpers/kdefNameOf.ts';
import { samplePhotographs } from '../helpers/photographs.ts';
import { readRun } from '../helpers/readRun.ts';
import { saveArchive, writeInsightFaceArchive } from '../helpers/recordIoWriter.ts';
import { putObjects } from '../helpers/s3Objects.ts';
import { withS3 } from '../helpers/services/s3.ts';
import { tableBytes, writeTable } from '../helpers/tableFiles.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const PEOPLE = 2;

before(async () => {
  const pulled = await posecast(['models', 'pull']);
  assert.equal(pulled.code, 0, pulled.stderr);
});

/** Real embeddings in the order of the listing, which is that of the photographs below. */
async function embeddingsOf(corpus: string, out: string, ...options: string[]): Promise<number[][]> {
  const ran = await posecast(['run', corpus, out, '--variants', '0', '--batch', '1', ...options]);
  assert.equal(ran.code, 0, ran.stderr);
  return (await readRun(out)).rows.map(({ embedding }) => [...embedding]);
}

test('the same photographs give the same embeddings as a folder, as RecordIO and as tables with images in them', () =>
  withTempFolder(async (folder) => {
    const photographs = samplePhotographs(PEOPLE);
    const people = [...new Set(photographs.map(({ subjectId }) => subjectId))];
    for (const person of people) {
      cpSync(join(packageRoot, 'samples', 'london', person), join(folder, 'photos', person), {
        recursive: true,
      });
    }
    const expected = await embeddingsOf(join(folder, 'photos'), join(folder, 'out-folder'));
    assert.equal(expected.length, photographs.length);

    const byPerson = people.map((person, label) =>
      photographs
        .filter(({ subjectId }) => subjectId === person)
        .map(({ bytes }) => ({ label, image: bytes })),
    );
    saveArchive(join(folder, 'train'), writeInsightFaceArchive(byPerson));
    assert.deepEqual(await embeddingsOf(join(folder, 'train.rec'), join(folder, 'out-rec')), expected);

    const images = photographs.map(({ bytes }) => bytes);
    writeTable(
      join(folder, 't.parquet'),
      {
        label: { type: 'text', values: photographs.map(({ subjectId }) => subjectId) },
        image: { type: 'image struct', values: images },
      },
      { format: 'parquet', pieceRows: 3 },
    );
    assert.deepEqual(await embeddingsOf(join(folder, 't.parquet'), join(folder, 'out-parquet')), expected);
  }));

test('a table in S3 whose keys are refused in the middle of a run ends it with exit code 1; with good keys the same command finishes it', () =>
  withS3({ conditionalPuts: true }, (service) =>
    withTempFolder(async (folder) => {
      const photographs = samplePhotographs(PEOPLE);
      const columns = {
        label: { type: 'text', values: photographs.map(({ subjectId }) => subjectId) },
        image: { type: 'bytes', values: photographs.map(({ bytes }) => bytes) },
      } as const;
      await putObjects(service, { 'c/t.parquet': tableBytes(columns, { format: 'parquet' }) });
      const request = [`s3://${service.bucket}/c/t.parquet`, join(folder, 'out'), '--variants', '0'];
      const run = () => posecast(['run', ...request, '--corpus-s3-endpoint', service.endpoint]);
      const isPlanned = () => existsSync(join(folder, 'out', 'run.json'));
      const refused = { status: 403, code: 'InvalidAccessKeyId' };
      service.fate = ({ path }) => (isPlanned() && path.includes('t.parquet') ? refused : 'pass');
      const stopped = await run();
      assert.equal(stopped.code, 1, stopped.stdout + stopped.stderr);
      assert.match(stopped.stdout, /stopped: the corpus cannot be read; what is committed stays/);
      assert.ok(!existsSync(join(folder, 'out', 'failures')), 'no shard is given up');
      service.fate = () => 'pass';
      const ran = await run();
      assert.equal(ran.code, 0, ran.stderr);
      assert.equal((await readRun(join(folder, 'out'))).rows.length, photographs.length);
    }),
  ));

test('tables in S3 whose bucket vanishes in the middle of a run end it with exit code 1, and lose no photograph; with the bucket back the same command finishes it', () =>
  withS3({ conditionalPuts: true }, (service) =>
    withTempFolder(async (folder) => {
      const photographs = samplePhotographs(6);
      const tables: Record<string, Uint8Array> = {};
      for (const person of new Set(photographs.map(({ subjectId }) => subjectId))) {
        const own = photographs.filter(({ subjectId }) => subjectId === person);
        tables[`c/t-${person}.parquet`] = tableBytes(
          {
            label: { type: 'text', values: own.map(() => person) },
            image: { type: 'bytes', values: own.map(({ bytes }) => bytes) },
          },
          { format: 'parquet' },
        );
      }
      await putObjects(service, tables);
      const out = join(folder, 'out');
      const request = [`s3://${service.bucket}/c/t-*.parquet`, out, '--variants', '0', '--shard-faces', '2'];
      const how = ['--batch', '1', '--threads', '1', '--corpus-s3-endpoint', service.endpoint];
      const run = () => posecast(['run', ...request, ...how]);
      const committed = () =>
        existsSync(join(out, 'commits')) && readdirSync(join(out, 'commits')).length > 0;
      let isGone = false;
      service.fate = ({ method }) => {
        // A table is opened by its HEAD, whose answer does not say what is missing.
        isGone ||= method === 'HEAD' && committed();
        return isGone ? { status: 404, code: 'NoSuchBucket' } : 'pass';
      };
      const stopped = await run();
      assert.ok(isGone, 'a table was opened after the first commit');
      assert.equal(stopped.code, 1, stopped.stdout + stopped.stderr);
      assert.match(stopped.stdout, /stopped: the corpus cannot be read; what is committed stays/);
      assert.match(stopped.stdout, /reason +corpus: S3 bucket: does not exist \(any more\)/);
      assert.ok(!existsSync(join(out, 'manifest.json')), 'the run is not finished');
      assert.ok(!existsSync(join(out, 'failures')), 'no shard is given up');
      service.fate = () => 'pass';
      const ran = await run();
      assert.equal(ran.code, 0, ran.stderr);
      assert.equal((await readRun(out)).rows.length, photographs.length);
      assert.equal((await posecast(['verify', out])).code, 0);
    }),
  ));

test("labels of a corpus stand in the table's real rows and in its metadata, and are null in generated rows", () =>
  withTempFolder(async (folder) => {
    const [photograph] = samplePhotographs(1);
    for (const session of ['A', 'B'] as const) {
      const name = kdefNameOf({ session, gender: 'F', number: 1, emotion: 'HA', angle: 'S' });
      mkdirSync(join(folder, 'kdef', name.slice(0, 4)), { recursive: true });
      cpSync(
        join(packageRoot, 'samples', 'london', photograph!.subjectId, photograph!.name),
        join(folder, 'kdef', name.slice(0, 4), name),
      );
    }
    const out = join(folder, 'out');
    const ran = await posecast([
      'run',
      join(folder, 'kdef'),
      out,
      '--corpus-format',
      'kdef',
      '--variants',
      '2',
    ]);
    assert.equal(ran.code, 0, ran.stderr);
    assert.equal((await posecast(['verify', out])).code, 0);
    const { manifest } = await readRun(out);
    assert.equal(manifest.totals.subjects, 1);
    const [entry] = manifest.files;
    const table = readTable(await readFile(join(out, entry!.key)), { key: entry!.key });
    const names = ['session', 'emotion', 'angle'];
    assert.deepEqual(
      parseTableMetadata(table.metadata, entry!.key).labelColumns,
      names.map((name) => ({ name, type: 'string' })),
    );
    for (const batch of table.batches) {
      for (let row = 0; row < batch.numRows; row++) {
        const labels = names.map((name) => batch.getChild(name)?.get(row) as unknown);
        const faceId = String(batch.getChild('face_id')?.get(row));
        const session = faceId.startsWith('AF01/') ? 'A' : 'B';
        const isReal = batch.getChild('kind')?.get(row) === 'real';
        assert.deepEqual(labels, isReal ? [session, 'HA', 'S'] : [null, null, null]);
      }
    }
    const other = await posecast([
      'run',
      join(folder, 'kdef'),
      out,
      '--corpus-format',
      'kdef',
      '--variants',
      '2',
      '--label-columns',
      'gender',
    ]);
    assert.equal(other.code, 2);
    assert.match(other.stderr, /another run: labelColumns/);
  }));
