/** Some columns of a table file, without reading the rest of it: ranges of a Parquet file, views into an Arrow file. */
import { parquetMetadataAsync } from 'hyparquet';
import { IntegrityError } from '../errors.ts';
import { parquetBuffer } from '../parquet/parquetBuffer.ts';
import { readParquetRows } from '../parquet/parquetRows.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { columnOf } from './columnOf.ts';
import { readTable } from './readTable.ts';

/** First read at the end of a file: holds the footer of the tables that a shard has. */
const FOOTER_BYTES = 32 * 1024;

/** Arrow files have to be read whole. */
const MAX_ARROW_BYTES = 128 * 2 ** 20;

export type ColumnRow = Readonly<Record<string, unknown>>;

/**
 * The rows of a table in file order, as objects with these columns; vectors are lists of numbers, 64-bit integers
 * bigint.
 * @throws IntegrityError when the file is not there, cannot be read, or is an Arrow file above 128 MiB.
 */
export async function readColumns(
  store: ObjectStore,
  key: string,
  columns: readonly string[],
  signal?: AbortSignal,
): Promise<ColumnRow[]> {
  return key.endsWith('.arrow')
    ? readArrowColumns(store, key, columns, signal)
    : readParquetColumns(store, key, columns, signal);
}

async function sizeOf(store: ObjectStore, key: string, signal: AbortSignal | undefined): Promise<number> {
  const info = await store.head(key, signal);
  if (info !== undefined) return info.bytes;
  throw new IntegrityError('missing-file', 'table file is not in the store', { key, store: store.uri });
}

async function readParquetColumns(
  store: ObjectStore,
  key: string,
  columns: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ColumnRow[]> {
  const bytes = await sizeOf(store, key, signal);
  const file = parquetBuffer(bytes, (start, end) => store.get(key, { start, end }, signal));
  try {
    const metadata = await parquetMetadataAsync(file, { initialFetchSize: FOOTER_BYTES });
    const rowEnd = Number(metadata.num_rows);
    return await readParquetRows({ file, metadata, columns, rowStart: 0, rowEnd });
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof IntegrityError) throw error;
    throw new IntegrityError('damaged-table', 'table file cannot be read', { key }, error);
  }
}

async function readArrowColumns(
  store: ObjectStore,
  key: string,
  columns: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ColumnRow[]> {
  const size = await sizeOf(store, key, signal);
  if (size > MAX_ARROW_BYTES) {
    throw new IntegrityError('large-table', 'Arrow file is too large to be shown', {
      key,
      bytes: size,
      most: MAX_ARROW_BYTES,
    });
  }
  const bytes = await store.get(key, undefined, signal);
  if (bytes === undefined)
    throw new IntegrityError('missing-file', 'table file is not in the store', { key });
  const rows: ColumnRow[] = [];
  for (const batch of readTable(bytes, { key, columns }).batches) {
    const cells = columns.map((name) => [name, columnOf(batch, name)] as const);
    for (let row = 0; row < batch.numRows; row++) {
      rows.push(Object.fromEntries(cells.map(([name, column]) => [name, column?.get(row)])));
    }
  }
  return rows;
}
