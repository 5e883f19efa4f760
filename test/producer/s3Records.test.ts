import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRunConfig } from '../../src/shared/config.ts';
import { openCorpusSource } from '../../src/shared/corpus/openCorpusSource.ts';
import { openTableReads } from '../../src/worker/reading/tableReads.ts';
import { corpusImages, describeFaces } from '../helpers/corpusImages.ts';
import { writeInsightFaceArchive } from '../helpers/recordIoWriter.ts';
import { putObjects } from '../helpers/s3Objects.ts';
import { withS3 } from '../helpers/services/s3.ts';
import { tableBytes } from '../helpers/tableFiles.ts';

const bytes = (text: string) => Buffer.from(text);

test('a RecordIO archive in S3 is listed with few requests and read record by record', () =>
  withS3({ conditionalPuts: false }, async (service) => {
    const people = Array.from({ length: 20 }, (_, label) => [
      { label, image: bytes(`${label} first`) },
      { label, image: bytes(`${label} second`) },
    ]);
    const archive = writeInsightFaceArchive(people);
    await putObjects(service, { 'c/train.rec': archive.rec, 'c/train.idx': bytes(archive.idx) });
    const imageRoot = `s3://${service.bucket}/c`;
    const before = service.requests.length;
    const read = await corpusImages(
      { corpus: `${imageRoot}/train.rec`, corpusFormat: 'recordio', imageRoot },
      { endpoint: service.endpoint },
    );
    assert.equal(read.length, 40);
    assert.equal(describeFaces(read)[0], '0/1: 0 first');
    assert.equal(describeFaces(read).at(-1), '9/20: 9 second');
    const requests = service.requests.length - before;
    assert.ok(requests < 20, `${requests} requests for 40 images`);
  }));

test('who may not list is told so where it cannot be known whether an archive has an index', () =>
  withS3({ conditionalPuts: false }, async (service) => {
    const archive = writeInsightFaceArchive([[{ label: 1, image: bytes('a picture') }]]);
    await putObjects(service, { 'c/train.rec': archive.rec });
    service.fate = ({ path }) =>
      path.includes('list-type') || path.includes('train.idx')
        ? { status: 403, code: 'AccessDenied' }
        : 'pass';
    const imageRoot = `s3://${service.bucket}/c`;
    await assert.rejects(
      corpusImages(
        { corpus: `${imageRoot}/train.rec`, corpusFormat: 'recordio', imageRoot },
        { endpoint: service.endpoint },
      ),
      { name: 'ConfigError', message: /s3:ListBucket.*train\.idx/ },
    );
  }));

test('tables in S3 are read by their columns and pages', () =>
  withS3({ conditionalPuts: false }, async (service) => {
    const rows = 12;
    const big = 40_000;
    const table = (format: 'parquet' | 'arrow') =>
      tableBytes(
        {
          key: { type: 'text', values: Array.from({ length: rows }, (_, i) => `${format}-${i}`) },
          label: { type: 'integer', values: Array.from({ length: rows }, (_, i) => i) },
          jpg: { type: 'bytes', values: Array.from({ length: rows }, (_, i) => Buffer.alloc(big, i)) },
        },
        { format, pieceRows: 4, pageRows: 1 },
      );
    await putObjects(service, { 'p/0.parquet': table('parquet'), 'a/0.arrow': table('arrow') });
    for (const [corpusFormat, imageRoot] of [
      ['parquet', `s3://${service.bucket}/p`],
      ['arrow', `s3://${service.bucket}/a`],
    ] as const) {
      const read = await corpusImages(
        { corpus: `${imageRoot}/*.${corpusFormat}`, corpusFormat, imageRoot },
        { endpoint: service.endpoint },
      );
      assert.equal(read.length, rows);
      for (const { face, image } of read) {
        assert.ok(Buffer.isBuffer(image), String(image));
        assert.ok(image.equals(Buffer.alloc(big, Number(face.subjectId))));
      }
    }
  }));

test('a table that is replaced while a shard reads it rejects its photographs, and fails nothing', () =>
  withS3({ conditionalPuts: false }, async (service) => {
    const table = (fill: number) =>
      tableBytes(
        {
          key: { type: 'text', values: ['a', 'b'] },
          label: { type: 'integer', values: [1, 2] },
          jpg: { type: 'bytes', values: [Buffer.alloc(40_000, fill), Buffer.alloc(40_000, fill)] },
        },
        { format: 'parquet' },
      );
    await putObjects(service, { 't/0.parquet': table(1) });
    const imageRoot = `s3://${service.bucket}/t`;
    const { tableColumns: columns } = parseRunConfig({
      corpus: imageRoot,
      corpusFormat: 'parquet',
      imageRoot,
    });
    const source = await openCorpusSource(imageRoot, { s3: { endpoint: service.endpoint } });
    const reads = openTableReads(source, { format: 'parquet', columns });
    assert.equal((await reads.answer({ kind: 'pieces', uri: '0.parquet' })).status, 'pieces');
    await putObjects(service, { 't/0.parquet': table(2) });
    const answer = await reads.answer({ kind: 'rows', uri: '0.parquet', rows: [0, 1] });
    assert.equal(answer.status === 'rejected' && answer.rejection.code, 'changed');
    await reads.close();
    await source.close();
  }));
