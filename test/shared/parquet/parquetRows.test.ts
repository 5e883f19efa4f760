/** Rows out of Parquet files as arrow-rs writes them, whatever the codec, the pages and the encodings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Compression, WriterVersion } from 'parquet-wasm';
import { openParquetTable } from '../../../src/shared/corpus/parquetTable.ts';
import type { SourceTable } from '../../../src/shared/corpus/sourceTable.ts';
import { type Cell, type TableColumns, tableBytes } from '../../helpers/tableFiles.ts';

const CODECS = [
  Compression.UNCOMPRESSED,
  Compression.SNAPPY,
  Compression.GZIP,
  Compression.BROTLI,
  Compression.ZSTD,
  Compression.LZ4_RAW,
];

const open = (bytes: Uint8Array): Promise<SourceTable> =>
  openParquetTable({ bytes: bytes.length, read: async (start, end) => bytes.subarray(start, end) });

/** Few values, so that runs are long, or many; some of them nothing. */
const column = <T extends Cell>(value: fc.Arbitrary<T>) =>
  fc.oneof(
    fc.array(fc.option(value, { freq: 4 }), { minLength: 1, maxLength: 300 }),
    fc
      .tuple(fc.option(value), fc.integer({ min: 1, max: 300 }))
      .map(([one, times]) => Array(times).fill(one) as T[]),
  );

const columnsOf = fc
  .record({
    text: column(fc.string()),
    integer: column(fc.integer()),
    number: column(fc.double({ noNaN: true })),
    bytes: column(fc.uint8Array({ maxLength: 40 })),
    'image struct': column(fc.uint8Array({ maxLength: 40 })),
  })
  .map((values) => {
    const rows = Math.min(...Object.values(values).map(({ length }) => length));
    const columns = Object.entries(values).map(([type, cells]) => [
      type,
      { type, values: cells.slice(0, rows) },
    ]);
    return { rows, columns: Object.fromEntries(columns) as TableColumns };
  });

const writers = fc.record({
  codec: fc.constantFrom(...CODECS),
  version: fc.constantFrom(WriterVersion.V1, WriterVersion.V2),
  dictionary: fc.boolean(),
  pageRows: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
  pieceRows: fc.integer({ min: 1, max: 300 }),
});

const plain = (value: unknown): unknown => {
  if (typeof value === 'bigint') return Number(value);
  return value instanceof Uint8Array ? [...value] : (value ?? null);
};
const bytesOf = (value: unknown) => (value as { readonly bytes?: unknown } | null)?.bytes;

test('rows are those that were written, whatever the codec, the pages and the encodings', async () => {
  const property = fc.asyncProperty(columnsOf, writers, fc.nat(), fc.nat(), async (table, writer, a, b) => {
    const { codec, version, dictionary, pageRows, pieceRows } = writer;
    const bytes = tableBytes(table.columns, {
      format: 'parquet',
      pieceRows,
      ...(pageRows !== undefined && { pageRows }),
      properties: (builder) =>
        builder.setCompression(codec).setWriterVersion(version).setDictionaryEnabled(dictionary),
    });
    const file = await open(bytes);
    const piece = file.pieces[a % file.pieces.length]!;
    const start = piece.start + (b % piece.rows);
    const end = start + 1 + (a % (piece.start + piece.rows - start));
    const names = Object.keys(table.columns);
    const found = await file.read(names, start, end);
    assert.equal(file.rows, table.rows);
    assert.equal(found.length, end - start);
    for (const [i, row] of found.entries()) {
      for (const name of names) {
        const cell = name === 'image struct' ? bytesOf(row[name]) : row[name];
        assert.deepEqual(
          plain(cell),
          plain(table.columns[name]?.values[start + i]),
          `${name} of ${start + i}`,
        );
      }
    }
  });
  await fc.assert(property, { numRuns: 300 });
});

const NUMBERS = { n: { type: 'integer', values: [1, 2, 3, 4, 5] } } as const;

test('rows that a file does not have are asked for in vain, in words', async () => {
  const file = await open(tableBytes(NUMBERS, { format: 'parquet' }));
  await assert.rejects(file.read(['n'], 3, 9), /expected 6 rows from row 3, found 2/);
  await assert.rejects(file.read(['n', 'm'], 0, 5), /no column m/);
});

test('a row group that says it has more rows than its columns is refused, not read as rows of nothing', async () => {
  const bytes = tableBytes(NUMBERS, { format: 'parquet' });
  const file = await open(bytes);
  // Thrift's compact form of "num_rows: 5" in the row group and in the file; the columns keep their five.
  const footer = bytes.slice();
  for (let at = footer.length - 9; at > footer.length - 600; at--) {
    if (footer[at] === 0x16 && footer[at + 1] === 10) footer[at + 1] = 20;
  }
  assert.equal(file.rows, 5);
  const lying = await open(footer);
  assert.equal(lying.rows, 10);
  await assert.rejects(lying.read(['n'], 0, 10), /column n: expected 10 rows in a row group, found 5/);
});
