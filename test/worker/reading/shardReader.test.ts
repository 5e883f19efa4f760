import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import pLimit from 'p-limit';
import { type ImageLocation, readImage } from '../../../src/shared/corpus/corpusSource.ts';
import { folderSource } from '../../../src/shared/corpus/folderSource.ts';
import { openCorpusSource } from '../../../src/shared/corpus/openCorpusSource.ts';
import { planReads } from '../../../src/worker/reading/planReads.ts';
import { openShardReader } from '../../../src/worker/reading/shardReader.ts';
import { putObjects } from '../../helpers/s3Objects.ts';
import { withS3 } from '../../helpers/services/s3.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

const never = new AbortController().signal;

const places = fc.array(
  fc.record(
    {
      uri: fc.constantFrom('a.tar', 'b.tar'),
      offset: fc.integer({ min: 0, max: 8_000_000 }),
      bytes: fc.integer({ min: 0, max: 1_000_000 }),
    },
    { requiredKeys: ['uri', 'bytes'] },
  ) as fc.Arbitrary<ImageLocation>,
  { maxLength: 200 },
);

test('every photograph is in exactly one read, which covers it and stays within its limit', () => {
  fc.assert(
    fc.property(places, (records) => {
      const reads = planReads(records);
      assert.deepEqual(
        reads.flatMap((read) => read.records).sort((a, b) => a - b),
        records.map((_, i) => i),
      );
      for (const { uri, range, records: indices } of reads) {
        for (const index of indices) {
          const { offset, bytes = 0, uri: own } = records[index]!;
          assert.equal(own, uri);
          if (range === undefined) assert.equal(offset, undefined);
          else assert.ok(offset! >= range.start && offset! + bytes <= range.end);
        }
        if (range !== undefined && indices.length > 1) assert.ok(range.end - range.start <= 4 * 2 ** 20);
        assert.ok(range !== undefined || indices.length === 1);
      }
    }),
  );
});

test('photographs side by side in an archive come with one request, others with one each', () =>
  withS3({ conditionalPuts: false }, async (service) => {
    const body = Buffer.alloc(3_000_000, 1).map((_, i) => i % 251);
    await putObjects(service, { 'c/a.tar': body, 'c/whole.jpg': 'whole' });
    const near = Array.from({ length: 40 }, (_, i) => ({
      uri: 'a.tar',
      offset: 512 + i * 20_000,
      bytes: 15_000,
    }));
    const far = [
      { uri: 'a.tar', offset: 1_900_000, bytes: 10 },
      { uri: 'a.tar', offset: 2_900_000, bytes: 10 },
    ];
    const records: ImageLocation[] = [...near.reverse(), ...far, { uri: 'whole.jpg' }];
    const source = await openCorpusSource(`s3://${service.bucket}/c`, { s3: { endpoint: service.endpoint } });
    service.requests.length = 0;
    const reader = openShardReader(source, records, pLimit(8), never);
    const outcomes = await Promise.all(records.map((record) => reader.read(record)));
    for (const [i, { uri, offset = 0, bytes = 5 }] of records.entries()) {
      const outcome = outcomes[i]!;
      assert.ok(outcome.status === 'ok');
      const expected = uri === 'a.tar' ? body.subarray(offset, offset + bytes) : Buffer.from('whole');
      assert.equal(Buffer.compare(Buffer.from(outcome.bytes), expected), 0);
      // A thread takes the buffer as it is.
      assert.equal(outcome.bytes.byteLength, outcome.bytes.buffer.byteLength);
    }
    assert.equal(service.requests.length, 4);
    await source.close();
  }));

test('in an archive that has become shorter, what is still there is read', () =>
  withTempFolder(async (folder) => {
    await writeFile(join(folder, 'a.tar'), 'x'.repeat(100));
    const records = [0, 50, 90].map((offset) => ({ uri: 'a.tar', offset, bytes: 20 }));
    const reader = openShardReader(folderSource(folder), records, pLimit(2), never);
    const outcomes = await Promise.all(records.map((record) => reader.read(record)));
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.status === 'ok' ? 'ok' : outcome.rejection.code)),
      ['ok', 'ok', 'beyond-end'],
    );
    assert.equal((await readImage(folderSource(folder), records[0]!, never)).status, 'ok');
  }));
