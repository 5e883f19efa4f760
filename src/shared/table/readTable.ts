/** The bytes of a table file → Arrow record batches, whichever of the two formats it is in. */
import { type Field, type RecordBatch, tableFromIPC } from 'apache-arrow';
import { parquetMetadata } from 'hyparquet';
import * as parquet from 'parquet-wasm';
import { IntegrityError } from '../errors.ts';
import { readArrowFile } from './arrowFile.ts';

export interface ReadTableOptions {
  /** For messages: the store key. */
  readonly key: string;
  /** Only these columns; all when absent. */
  readonly columns?: readonly string[];
}

export interface TableFile {
  readonly rows: number;
  readonly fields: readonly Field[];
  /** Key-value metadata of the file. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The rows in file order; one row group at a time is decoded. */
  readonly batches: Iterable<RecordBatch>;
}

const PARQUET_MAGIC = 'PAR1';
const ARROW_MAGIC = 'ARROW1';

/** Opens a table file. Throws IntegrityError when it is neither Parquet nor Arrow IPC, or is damaged. */
export function readTable(bytes: Uint8Array, options: ReadTableOptions): TableFile {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(6, bytes.length)).toString('latin1');
  try {
    if (head.startsWith(PARQUET_MAGIC)) return readParquet(bytes, options);
    if (head === ARROW_MAGIC) return readArrow(bytes, options);
  } catch (error) {
    throw damaged(options.key, error);
  }
  throw new IntegrityError('not-a-table', 'file is neither Parquet nor Arrow IPC', { key: options.key });
}

function readParquet(bytes: Uint8Array, { key, columns }: ReadTableOptions): TableFile {
  const whole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
  const footer = parquetMetadata((whole ? bytes.buffer : new Uint8Array(bytes).buffer) as ArrayBuffer);
  return {
    rows: Number(footer.num_rows),
    fields: tableFromIPC(parquet.readSchema(bytes).intoIPCStream()).schema.fields,
    metadata: new Map(footer.key_value_metadata?.map((entry) => [entry.key, entry.value ?? '']) ?? []),
    batches: parquetBatches(bytes, footer.row_groups.length, key, columns),
  };
}

function* parquetBatches(
  bytes: Uint8Array,
  rowGroups: number,
  key: string,
  columns: readonly string[] | undefined,
): Iterable<RecordBatch> {
  for (let group = 0; group < rowGroups; group++) {
    let batches: RecordBatch[];
    try {
      const table = parquet.readParquet(bytes, {
        rowGroups: [group],
        batchSize: 8192,
        ...(columns === undefined ? {} : { columns: [...columns] }),
      });
      batches = tableFromIPC(table.intoIPCStream()).batches;
    } catch (error) {
      throw damaged(key, error);
    }
    yield* batches;
  }
}

function readArrow(bytes: Uint8Array, { columns }: ReadTableOptions): TableFile {
  // Views into `bytes`: nothing is decoded or copied here.
  const table = readArrowFile(bytes);
  return {
    rows: table.numRows,
    fields: table.schema.fields,
    metadata: table.schema.metadata,
    batches: columns === undefined ? table.batches : table.select([...columns]).batches,
  };
}

function damaged(key: string, error: unknown): IntegrityError {
  return new IntegrityError('damaged-table', 'table file cannot be read', { key }, error);
}
