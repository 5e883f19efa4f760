import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import * as parquet from 'parquet-wasm';
import { wholeBody } from '../../../src/shared/store/objectBody.ts';
import { encodeParquet, encodeTable } from '../../../src/shared/table/encodeTable.ts';
import { IntegerColumn } from '../../../src/shared/table/integerColumn.ts';
import { openPlanFile } from '../../../src/shared/table/planFile.ts';
import { tableMetadata } from '../../../src/shared/table/tableMetadata.ts';
import { embeddingRows, rejectRows, subjectRows } from '../../../src/shared/table/tables.ts';
import { TextColumn } from '../../../src/shared/table/textColumn.ts';

interface Row {
  readonly text: string | null;
  readonly count: number | null;
}

const row: fc.Arbitrary<Row> = fc.record(
  { text: fc.option(fc.string({ unit: 'grapheme' })), count: fc.option(fc.maxSafeInteger()) },
  { noNullPrototype: true },
);

/** Through the columns into a file, and back by a reader that shares no code with them. */
async function thereAndBack(rows: readonly Row[], groupRows: number) {
  const text = new TextColumn({ name: 'text', type: 'utf8', nullable: true });
  const count = new IntegerColumn({ name: 'count', type: 'int64', nullable: true });
  const written = openPlanFile(groupRows);
  for (let start = 0; start < rows.length; start += groupRows) {
    const group = rows.slice(start, start + groupRows);
    for (const one of group) {
      text.add(one.text);
      count.add(one.count);
    }
    await written.write({ rows: group.length, columns: [text.finish(), count.finish()] });
    text.clear();
    count.clear();
  }
  const file = wholeBody(await written.finish());
  const back = await parquetReadObjects({ file: file.slice().buffer });
  return back.map((one) => ({
    text: (one.text as string | null | undefined) ?? null,
    count: one.count == null ? null : Number(one.count),
  }));
}

test('texts and integers of a plan come back as they were, nulls too, whatever the size of a row group', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 70 }),
      async (rows, groupRows) => {
        assert.deepEqual(await thereAndBack(rows, groupRows), rows);
      },
    ),
    { numRuns: 20 },
  ));

test('texts are told apart over the batches in which they are encoded, ASCII or not', async () => {
  const rows = Array.from({ length: 5_000 }, (_, i) => ({
    text: i % 1_500 < 700 ? `face ${i}` : i % 7 === 0 ? null : `Gesicht ${i} 🙂 ü`,
    count: i % 3 === 0 ? null : i * 2 ** 33 * (i % 2 === 0 ? 1 : -1),
  }));
  assert.deepEqual(await thereAndBack(rows, 1_000), rows);
});

test('halves of a surrogate pair in two rows do not become one character', async () => {
  const rows = [
    { text: 'a\ud83d', count: 1 },
    { text: '\ude42b', count: 2 },
  ];
  const back = await thereAndBack(rows, 8);
  assert.deepEqual(
    back.map(({ text }) => text),
    ['a\ufffd', '\ufffdb'],
  );
});

test('a column is filled anew after it was cleared', () => {
  const text = new TextColumn({ name: 'text', type: 'utf8', nullable: true });
  text.add('first');
  text.add(null);
  text.finish();
  text.clear();
  text.add('second');
  const { values, offsets, nullCount, validity } = text.finish();
  assert.equal(new TextDecoder().decode(values as Uint8Array), 'second');
  assert.deepEqual([...(offsets ?? [])], [0, 6]);
  assert.equal(nullCount, 0);
  assert.equal(validity, undefined);
});

test('a value of another type is refused with the column named', () => {
  assert.throws(
    () => new TextColumn({ name: 'uri', type: 'utf8', nullable: false }).add(null),
    /column uri expected a text, found null/,
  );
  assert.throws(
    () => new IntegerColumn({ name: 'bytes', type: 'int64', nullable: false }).add(1.5),
    /column bytes expected an integer, found 1.5/,
  );
});

test('a table that cannot be had fails the file with its own error, and what the writer holds is freed', async () => {
  const metadata = tableMetadata({ kind: 'rejects', runId: 'r', recognizer: 'r', recognizerDigest: 'd' });
  const tables = async function* () {
    for (let i = 0; i < 3; i++) {
      const rows = rejectRows();
      rows.add({ faceId: `f${i}`, subjectId: 's', uri: 'u', stage: 'read', code: 'c', message: 'm' });
      yield rows.finish();
    }
    throw new TypeError('no more tables');
  };
  await assert.rejects(encodeParquet(tables(), metadata), { name: 'TypeError', message: 'no more tables' });
  await assert.rejects(encodeParquet([], metadata), /at least one table/);
});

test('tables of different columns do not make one file', async () => {
  const metadata = tableMetadata({ kind: 'rejects', runId: 'r', recognizer: 'r', recognizerDigest: 'd' });
  const rejects = rejectRows();
  rejects.add({ faceId: 'f', subjectId: 's', uri: 'u', stage: 'read', code: 'c', message: 'm' });
  const subjects = subjectRows();
  const counts = { faces: 1, rejects: 0, variants: 0, variantsRejected: 0 };
  subjects.add({ subjectId: 's', classIndex: 0, ...counts, poseCoverageBefore: 0, poseCoverageAfter: 0 });
  await assert.rejects(
    encodeParquet([rejects.finish(), subjects.finish()], metadata),
    /expected columns face_id: Utf8.*found subject_id: Utf8/,
  );
});

test('tables encoded one after another, in groups or at once, are the same bytes and take the memory of one', async () => {
  const metadata = tableMetadata({
    kind: 'embeddings',
    runId: 'memory',
    recognizer: 'none',
    recognizerDigest: 'none',
  });
  const shape = {
    dim: 512,
    embeddingType: 'float32',
    withLandmarks: false,
    withPostureCode: false,
    labelColumns: [],
  } as const;
  const encode = async () => {
    const rows = embeddingRows(shape);
    for (let i = 0; i < 1_000; i++) {
      rows.add({
        faceId: `face-${i}`,
        subjectId: 'person',
        kind: 'real',
        variant: null,
        sourceFaceId: null,
        postureId: null,
        yaw: 0,
        pitch: 0,
        roll: 0,
        detectionScore: 1,
        similarity: 1,
        facesFound: 1,
        embedding: new Float32Array(512).fill(i),
      });
    }
    const table = rows.finish();
    const inGroups = wholeBody(await encodeParquet([table], metadata));
    const atOnce = wholeBody(await encodeTable(table, { format: 'parquet', metadata }));
    assert.equal(Buffer.compare(inGroups, atOnce), 0);
  };
  const megabytes = () => parquet.wasmMemory().buffer.byteLength / 1e6;
  await encode();
  const once = megabytes();
  for (let i = 0; i < 10; i++) await encode();
  // Ten times 2 MB would be there, if each left its input behind.
  assert.ok(megabytes() < once + 8, `${once} MB after the first, ${megabytes()} MB after the last`);
});
