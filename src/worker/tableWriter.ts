/** Encoding of tables in a thread of its own; buffers are handed over both ways, never copied. */
import { type TableColumns, tableBuffers } from '../shared/table/columns.ts';
import type { EncodedTable, EncodeOptions } from '../shared/table/encodeTable.ts';
import { openThreadPool } from '../shared/threads/threadPool.ts';
import type { TableRequest } from './tableThread.ts';

export interface TableWriter {
  /** Encodes and hashes a table. The table's buffers move to the thread: it is empty here afterwards. */
  encode(table: TableColumns, options: EncodeOptions): Promise<EncodedTable>;
  close(): Promise<void>;
}

export async function openTableWriter(): Promise<TableWriter> {
  const pool = await openThreadPool<TableRequest, EncodedTable>({
    file: new URL('./tableThread.js', import.meta.url),
    size: 1,
    init: undefined,
  });
  return {
    encode: (table, options) => pool.run({ table, options }, tableBuffers(table)),
    close: () => pool.close(),
  };
}
