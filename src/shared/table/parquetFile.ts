/**
 * A Parquet file that is given its tables one after another: what has been written is compressed, the rest is
 * forgotten.
 */
import { tableToIPC } from 'apache-arrow';
import * as parquet from 'parquet-wasm';
import { arrowTable, describeColumns } from './arrowTable.ts';
import type { ColumnarTable } from './columns.ts';

export interface ParquetFile {
  /**
   * Resolves when the table's buffers may be used for something else. Throws when its columns are not those of the
   * first.
   */
  write(table: ColumnarTable): Promise<void>;
  /** The file, in pieces that follow one another. At least one table must have been written. */
  finish(): Promise<Uint8Array[]>;
  /** Gives up what a file that is not finished holds. */
  abandon(): Promise<void>;
}

/** @param propertiesOf asked once, with the first table. */
export function openParquetFile(
  entries: Map<string, string>,
  propertiesOf: (first: ColumnarTable) => parquet.WriterProperties,
): ParquetFile {
  const { readable, writable } = new TransformStream<parquet.RecordBatch, parquet.RecordBatch>();
  const input = writable.getWriter();
  let columns: string | undefined;
  let output: Promise<Uint8Array[]> | undefined;

  async function collect(properties: parquet.WriterProperties): Promise<Uint8Array[]> {
    const pieces: Uint8Array[] = [];
    const stream = await parquet.transformParquetStream(readable, properties);
    for await (const piece of stream) pieces.push(piece as Uint8Array);
    return pieces;
  }

  return {
    async write(table) {
      // The library would wait for ever for the end of such a file.
      const found = describeColumns(table.columns.map(({ spec }) => spec));
      columns ??= found;
      if (found !== columns) throw new Error(`Parquet file: expected columns ${columns}, found ${found}`);
      output ??= collect(propertiesOf(table));
      // A writer that fails takes no more: waiting for it alone would be waiting for ever.
      const failed = output.then(() => Promise.reject(new Error('the Parquet file has ended')));
      failed.catch(() => {});
      for (const batch of recordBatches(table, entries)) await Promise.race([input.write(batch), failed]);
    },
    async finish() {
      if (output === undefined) throw new Error('a Parquet file needs at least one table');
      await Promise.race([input.close(), output]);
      return output;
    },
    async abandon() {
      if (output === undefined) return;
      await Promise.race([input.close(), output]).catch(() => {});
      await output.catch(() => {});
    },
  };
}

/** The file of one table, which must be small: input and output lie in the library's memory. In half the time. */
export function smallParquetFile(
  table: ColumnarTable,
  entries: Map<string, string>,
  properties: parquet.WriterProperties,
): Uint8Array {
  const copy = parquet.Table.fromIPCStream(tableToIPC(arrowTable(table, entries), 'stream'));
  // Frees both.
  return parquet.writeParquet(copy, properties);
}

function recordBatches(table: ColumnarTable, entries: Map<string, string>): parquet.RecordBatch[] {
  const copy = parquet.Table.fromIPCStream(tableToIPC(arrowTable(table, entries), 'stream'));
  try {
    return copy.recordBatches();
  } finally {
    // Its memory is not JavaScript's: the garbage collector does not know that it is worth collecting.
    copy.free();
  }
}
