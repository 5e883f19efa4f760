import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DataType, tableFromIPC, tableToIPC } from 'apache-arrow';
import fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { EMBEDDING_TYPES } from '../../../src/shared/config.ts';
import { wholeBody } from '../../../src/shared/store/objectBody.ts';
import { arrowTable } from '../../../src/shared/table/arrowTable.ts';
import { encodeTable } from '../../../src/shared/table/encodeTable.ts';
import { fromFloat16Bits, toFloat16Bits } from '../../../src/shared/table/float16.ts';
import { readTable } from '../../../src/shared/table/readTable.ts';
import {
  metadataEntries,
  parseTableMetadata,
  tableMetadata,
} from '../../../src/shared/table/tableMetadata.ts';
import {
  type EmbeddingRow,
  type EmbeddingShape,
  embeddingColumns,
  embeddingRows,
  rejectRows,
  subjectRows,
} from '../../../src/shared/table/tables.ts';

const METADATA = tableMetadata({
  kind: 'embeddings',
  runId: 'run-1',
  recognizer: 'r',
  recognizerDigest: 'd',
});

const float = fc.float({ noNaN: true, noDefaultInfinity: true });
const vector = (size: number) =>
  fc
    .array(fc.float({ noNaN: true, min: -1, max: 1 }), { minLength: size, maxLength: size })
    .map((v) => new Float32Array(v));
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });

const DIM = 7;
const row: fc.Arbitrary<EmbeddingRow> = fc.record({
  faceId: text,
  subjectId: text,
  kind: fc.constantFrom('real', 'augmented'),
  variant: orNull(fc.integer({ min: 0, max: 2 ** 31 - 1 })),
  sourceFaceId: orNull(text),
  postureId: orNull(text),
  yaw: orNull(float),
  pitch: orNull(float),
  roll: orNull(float),
  detectionScore: orNull(float),
  similarity: orNull(float),
  facesFound: orNull(fc.nat(1000)),
  embedding: vector(DIM),
  landmarks: orNull(vector(136)),
  postureCode: orNull(vector(512)),
  labels: fc.option(
    fc.tuple(
      orNull(text),
      orNull(fc.maxSafeInteger()),
      orNull(fc.double({ noNaN: true, noDefaultInfinity: true })),
    ),
    { nil: undefined },
  ),
});

const LABELS: EmbeddingShape['labelColumns'] = [
  { name: 'expression', type: 'string' },
  { name: 'session', type: 'integer' },
  { name: 'age', type: 'number' },
];

/** What a reader should give back for a row, in file order. */
function expected(row: EmbeddingRow, shape: EmbeddingShape) {
  const { embeddingType, withLandmarks, withPostureCode, labelColumns } = shape;
  const rounded =
    embeddingType === 'float16'
      ? [...row.embedding].map((v) => fromFloat16Bits(toFloat16Bits(v)))
      : [...row.embedding];
  return {
    face_id: row.faceId,
    subject_id: row.subjectId,
    kind: row.kind,
    variant: row.variant,
    source_face_id: row.sourceFaceId,
    posture_id: row.postureId,
    yaw: row.yaw,
    pitch: row.pitch,
    roll: row.roll,
    detection_score: row.detectionScore,
    similarity: row.similarity,
    faces_found: row.facesFound,
    ...Object.fromEntries(labelColumns.map(({ name }, i) => [name, row.labels?.[i] ?? null])),
    embedding: rounded,
    ...(withLandmarks ? { landmarks: row.landmarks == null ? null : [...row.landmarks] } : {}),
    ...(withPostureCode ? { posture_code: row.postureCode == null ? null : [...row.postureCode] } : {}),
  };
}

/** Lists of any kind as arrays, absent values as null, −0 as 0. */
function plainCell(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'object') return Array.from(value as Iterable<number>, (v) => v + 0);
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'number' ? value + 0 : value;
}

function plain(rows: object[]): Record<string, unknown>[] {
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plainCell(value)])),
  );
}

const toArrayBuffer = (bytes: Uint8Array) => bytes.slice().buffer as ArrayBuffer;

const shape: fc.Arbitrary<EmbeddingShape> = fc.record({
  dim: fc.constant(DIM),
  embeddingType: fc.constantFrom(...EMBEDDING_TYPES),
  withLandmarks: fc.boolean(),
  withPostureCode: fc.boolean(),
  labelColumns: fc.boolean().map((labelled) => (labelled ? LABELS : [])),
});

test('an embedding table comes back from Parquet row for row, by a reader that shares no code with the writer', async () => {
  await fc.assert(
    fc.asyncProperty(shape, fc.array(row, { minLength: 1, maxLength: 20 }), async (shape, rows) => {
      const table = embeddingRows(shape);
      for (const one of rows) table.add(one);
      const bytes = wholeBody(await encodeTable(table.finish(), { format: 'parquet', metadata: METADATA }));
      const found = await parquetReadObjects({ file: toArrayBuffer(bytes), compressors });
      assert.deepEqual(plain(found), plain(rows.map((one) => expected(one, shape))));
    }),
    { numRuns: 60 },
  );
});

test('an embedding table comes back from Arrow IPC row for row', async () => {
  await fc.assert(
    fc.asyncProperty(shape, fc.array(row, { minLength: 1, maxLength: 20 }), async (shape, rows) => {
      const table = embeddingRows(shape);
      for (const one of rows) table.add(one);
      const bytes = wholeBody(await encodeTable(table.finish(), { format: 'arrow', metadata: METADATA }));
      const found = tableFromIPC<Record<string, DataType>>(bytes)
        .toArray()
        .map((one) => one.toJSON());
      assert.deepEqual(plain(found), plain(rows.map((one) => expected(one, shape))));
    }),
    { numRuns: 60 },
  );
});

test('an Arrow file in pieces is the file in one, and its vectors are the buffers of the table, not copies', async () => {
  await fc.assert(
    fc.asyncProperty(shape, fc.array(row, { minLength: 0, maxLength: 20 }), async (shape, rows) => {
      const table = embeddingRows(shape, { shared: true });
      for (const one of rows) table.add(one);
      const columns = table.finish();
      const inOne = tableToIPC(arrowTable(columns, metadataEntries(METADATA)), 'file');
      const pieces = await encodeTable(columns, { format: 'arrow', metadata: METADATA });
      assert.deepEqual(Buffer.concat(pieces), Buffer.from(inOne));
    }),
    { numRuns: 30 },
  );
  const table = embeddingRows(
    {
      dim: DIM,
      embeddingType: 'float32',
      withLandmarks: false,
      withPostureCode: false,
      labelColumns: [],
    },
    { shared: true },
  );
  for (let i = 0; i < 10_000; i++) table.add(makeRow());
  const columns = table.finish();
  const vectors = columns.columns.find(({ spec }) => spec.name === 'embedding')!.values;
  const pieces = await encodeTable(columns, { format: 'arrow', metadata: METADATA });
  assert.ok(pieces.some(({ buffer, length }) => buffer === vectors.buffer && length === vectors.byteLength));
});

for (const format of ['parquet', 'arrow'] as const) {
  test(`an output table in ${format} carries its metadata, its column types and its row count`, async () => {
    const shape: EmbeddingShape = {
      dim: DIM,
      embeddingType: 'float16',
      withLandmarks: true,
      withPostureCode: true,
      labelColumns: LABELS,
    };
    const rows = embeddingRows(shape);
    for (let i = 0; i < 300; i++) rows.add(makeRow({ faceId: `face-${i}` }));
    const file = readTable(wholeBody(await encodeTable(rows.finish(), { format, metadata: METADATA })), {
      key: 'k',
    });
    assert.equal(file.rows, 300);
    assert.deepEqual(parseTableMetadata(file.metadata, 'k'), METADATA);
    const [batch] = file.batches;
    assert.deepEqual(
      batch?.schema.fields.map(
        ({ name, type, nullable }) => `${name}: ${type}${nullable ? '' : ' not null'}`,
      ),
      embeddingColumns(shape).map(({ name, type, nullable }) => {
        const shown = {
          utf8: 'Utf8',
          int32: 'Int32',
          int64: 'Int64',
          float32: 'Float32',
          float64: 'Float64',
        } as Record<string, string>;
        const arrow =
          typeof type === 'string'
            ? shown[type]
            : `FixedSizeList[${type.size}]<${type.vector === 'float16' ? 'Float16' : 'Float32'}>`;
        return `${name}: ${arrow}${nullable ? '' : ' not null'}`;
      }),
    );
  });
}

test('a table of more rows than a row group is read back group by group, in order', async () => {
  const rows = embeddingRows({
    dim: DIM,
    embeddingType: 'float32',
    withLandmarks: false,
    withPostureCode: false,
    labelColumns: [],
  });
  for (let i = 0; i < 70_000; i++) {
    rows.add(
      makeRow({
        faceId: `face ${i}`,
        variant: i % 3 === 0 ? i : null,
        embedding: new Float32Array(DIM).fill(i),
      }),
    );
  }
  const file = readTable(
    wholeBody(await encodeTable(rows.finish(), { format: 'parquet', metadata: METADATA })),
    {
      key: 'k',
    },
  );
  let next = 0;
  for (const batch of file.batches) {
    const [ids, variants, vectors] = ['face_id', 'variant', 'embedding'].map((name) => batch.getChild(name));
    for (let i = 0; i < batch.numRows; i++, next++) {
      assert.equal(ids?.get(i), `face ${next}`);
      assert.equal(variants?.get(i), next % 3 === 0 ? next : null);
      assert.equal(vectors?.get(i).get(DIM - 1), next);
    }
  }
  assert.equal(next, 70_000);
});

test('equal tables are equal bytes', async () => {
  const encode = () => {
    const rows = subjectRows();
    rows.add({
      subjectId: 's',
      classIndex: 2 ** 40,
      faces: 1,
      rejects: 2,
      variants: 3,
      variantsRejected: 4,
      poseCoverageBefore: 0.25,
      poseCoverageAfter: 0.5,
    });
    return encodeTable(rows.finish(), { format: 'parquet', metadata: METADATA });
  };
  const first = await encode();
  for (let i = 0; i < 5; i++) assert.deepEqual(await encode(), first);
});

test('a value that does not fit its column is refused with the column named', () => {
  const rows = embeddingRows({
    dim: DIM,
    embeddingType: 'float32',
    withLandmarks: false,
    withPostureCode: false,
    labelColumns: [],
  });
  assert.throws(
    () => rows.add(makeRow({ embedding: new Float32Array(DIM + 1) })),
    /embedding must have 7 values, got 8/,
  );
  assert.throws(() => rows.add(makeRow({ variant: 1.5 })), /variant must be an integer/);
});

test('a table is read from bytes that lie in the memory of others, as small downloads do', async () => {
  const rows = rejectRows();
  rows.add({ faceId: 'f', subjectId: 's', uri: 'u', stage: 'decode', code: 'c', message: 'm' });
  const own = wholeBody(await encodeTable(rows.finish(), { format: 'parquet', metadata: METADATA }));
  for (const before of [0, 3]) {
    const shared = Buffer.alloc(before + own.length + 100, 7).subarray(before, before + own.length);
    shared.set(own);
    assert.equal(readTable(shared, { key: 'some/key' }).rows, 1);
  }
});

test('bytes that are no table, or a damaged one, are an integrity error naming the key', async () => {
  const rows = rejectRows();
  rows.add({ faceId: 'f', subjectId: 's', uri: 'u', stage: 'decode', code: 'c', message: 'm' });
  const bytes = wholeBody(await encodeTable(rows.finish(), { format: 'parquet', metadata: METADATA }));
  assert.throws(
    () => readTable(Buffer.from('hello'), { key: 'some/key' }),
    /neither Parquet nor Arrow.*some\/key/,
  );
  assert.throws(
    () => readTable(bytes.subarray(0, bytes.length - 9), { key: 'some/key' }),
    /cannot be read.*some\/key/,
  );
});

test('every half comes back from its bits, and a float becomes a nearest half', () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = fromFloat16Bits(bits);
    if (Number.isNaN(value)) assert.ok(Number.isNaN(fromFloat16Bits(toFloat16Bits(value))));
    else assert.equal(toFloat16Bits(value), bits);
  }
  fc.assert(
    fc.property(fc.float({ noNaN: true, min: -65504, max: 65504 }), (value) => {
      const bits = toFloat16Bits(value);
      const error = Math.abs(fromFloat16Bits(bits) - value);
      const magnitude = bits & 0x7fff;
      for (const neighbour of [magnitude - 1, magnitude + 1]) {
        if (neighbour < 0 || neighbour > 0x7bff) continue;
        assert.ok(error <= Math.abs(fromFloat16Bits((bits & 0x8000) | neighbour) - value));
      }
    }),
    { numRuns: 5000 },
  );
  assert.equal(fromFloat16Bits(toFloat16Bits(65519)), 65504);
  assert.equal(fromFloat16Bits(toFloat16Bits(65520)), Number.POSITIVE_INFINITY);
});

function makeRow(overrides: Partial<EmbeddingRow> = {}): EmbeddingRow {
  return {
    faceId: 'face',
    subjectId: 'subject',
    kind: 'real',
    variant: null,
    sourceFaceId: null,
    postureId: null,
    yaw: 1,
    pitch: 2,
    roll: 3,
    detectionScore: 0.9,
    similarity: 0.8,
    facesFound: 1,
    embedding: new Float32Array(DIM).fill(0.5),
    ...overrides,
  };
}
