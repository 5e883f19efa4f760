/**
 * Columns → a Parquet (zstd) or Arrow IPC file, in pieces that follow one another: what is written, hashed and handed
 * over needs no copy of the whole. Slow: belongs on a thread of its own, see tableWriter.
 */
import { RecordBatchFileWriter } from 'apache-arrow';
import * as parquet from 'parquet-wasm';
import type { TABLE_FORMATS } from '../config.ts';
import { bodyBytes } from '../store/objectBody.ts';
import { arrowTable } from './arrowTable.ts';
import { type ColumnarTable, sliceTable } from './columns.ts';
import { openParquetFile, smallParquetFile } from './parquetFile.ts';
import { metadataEntries, type TableMetadata } from './tableMetadata.ts';

export interface EncodeOptions {
  readonly format: (typeof TABLE_FORMATS)[number];
  readonly metadata: TableMetadata;
}

/** A table as a file. */
export interface EncodedTable {
  /** The whole file, piece after piece. */
  readonly content: readonly Uint8Array[];
  /** Length of the file. */
  readonly bytes: number;
  /** Of the file, hex. May still be computed while the file is written. */
  readonly sha256: Promise<string>;
  readonly rows: number;
}

/**
 * Rows of a Parquet row group: 16 MiB of 512-d float32. The writer holds a whole group several times, and never gives
 * memory back, so this is what the memory of a worker's table thread hangs on.
 */
export const ROW_GROUP_ROWS = 8_192;

/** Rows handed to the writer at once: copied on the way. */
const BATCH_ROWS = 2_048;

/** Copying a smaller piece of a Parquet file, in bytes, costs less than writing it by itself. */
const LARGE_BYTES = 64 * 2 ** 10;

/**
 * The table as one file. Rows keep their order; equal tables give equal bytes. The pieces of an Arrow file lie in
 * shared memory, the vectors where they were in the table: what is changed in them afterwards is changed in the file.
 */
export async function encodeTable(table: ColumnarTable, options: EncodeOptions): Promise<Uint8Array[]> {
  const { format, metadata } = options;
  // apache-arrow 21.2 writes compressed IPC that other readers refuse, so IPC files are not compressed.
  if (format === 'arrow') return arrowFile(table, metadata);
  if (table.rows > BATCH_ROWS) return encodeParquet(slices(table, BATCH_ROWS), metadata);
  const entries = metadataEntries(metadata);
  return [smallParquetFile(table, entries, writerProperties(table, entries))];
}

async function arrowFile(table: ColumnarTable, metadata: TableMetadata): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  const writer = RecordBatchFileWriter.writeAll(arrowTable(table, metadataEntries(metadata)));
  for await (const piece of writer) pieces.push(piece);
  return joinPieces(pieces, ({ buffer }) => buffer instanceof SharedArrayBuffer, SharedArrayBuffer);
}

function* slices(table: ColumnarTable, rows: number): Iterable<ColumnarTable> {
  for (let start = 0; start < table.rows; start += rows) {
    yield sliceTable(table, start, Math.min(start + rows, table.rows));
  }
}

/** A Parquet file from tables of the same columns, at least one, of which one at a time is in memory here. */
export async function encodeParquet(
  tables: AsyncIterable<ColumnarTable> | Iterable<ColumnarTable>,
  metadata: TableMetadata,
): Promise<Uint8Array[]> {
  const entries = metadataEntries(metadata);
  const file = openParquetFile(entries, (first) => writerProperties(first, entries));
  try {
    for await (const table of tables) await file.write(table);
    return joinPieces(await file.finish(), ({ length }) => length >= LARGE_BYTES, ArrayBuffer);
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

/**
 * The same bytes in fewer pieces: each is a call of the system when it is written. Those that do not stay where they
 * are are copied, also single ones, because some are constants of the library that must not move to another thread.
 */
function joinPieces(
  pieces: Iterable<Uint8Array>,
  stays: (piece: Uint8Array) => boolean,
  Memory: new (bytes: number) => ArrayBufferLike,
): Uint8Array[] {
  const joined: Uint8Array[] = [];
  let moving: Uint8Array[] = [];
  const endMoving = (): void => {
    if (moving.length > 0) joined.push(concat(moving, Memory));
    moving = [];
  };
  for (const piece of pieces) {
    if (!stays(piece)) {
      moving.push(piece);
      continue;
    }
    endMoving();
    joined.push(piece);
  }
  endMoving();
  return joined;
}

function concat(pieces: readonly Uint8Array[], Memory: new (bytes: number) => ArrayBufferLike): Uint8Array {
  const bytes = new Uint8Array(new Memory(bodyBytes(pieces)));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function writerProperties(table: ColumnarTable, entries: Map<string, string>): parquet.WriterProperties {
  const vectors = table.columns.flatMap(({ spec }) =>
    typeof spec.type === 'object' ? [spec.type.vector] : [],
  );
  let builder = new parquet.WriterPropertiesBuilder()
    .setCompression(parquet.Compression.ZSTD)
    .setMaxRowGroupSize(ROW_GROUP_ROWS)
    .setKeyValueMetadata(entries)
    .setDictionaryEnabled(false)
    // The least and greatest of all values of all vectors: nobody asks for it, and it takes a tenth of the time.
    .setStatisticsEnabled(parquet.EnabledStatistics.None);
  // Settings of nested columns are ignored by this writer, so the vectors' encoding is the global one and the
  // others are exceptions. Half floats stay plain: DuckDB cannot read them byte-stream-split.
  if (vectors.length > 0 && !vectors.includes('float16')) {
    builder = builder.setEncoding(parquet.Encoding.BYTE_STREAM_SPLIT);
  }
  for (const { spec } of table.columns) {
    if (spec.type === 'utf8') builder = builder.setColumnDictionaryEnabled(spec.name, true);
    if (typeof spec.type === 'string') {
      builder = builder
        .setColumnEncoding(spec.name, parquet.Encoding.PLAIN)
        .setColumnStatisticsEnabled(spec.name, parquet.EnabledStatistics.Page);
    }
  }
  return builder.build();
}
