/** The thread that encodes and hashes tables, so that neither happens where a queue lock is renewed. */
import { createHash } from 'node:crypto';
import type { TableColumns } from '../shared/table/columns.ts';
import { type EncodedTable, type EncodeOptions, encodeTable } from '../shared/table/encodeTable.ts';
import { serveThread } from '../shared/threads/serveThread.ts';

export interface TableRequest {
  readonly table: TableColumns;
  readonly options: EncodeOptions;
}

await serveThread<undefined, TableRequest, EncodedTable>(async () => async ({ table, options }) => {
  const bytes = await encodeTable(table, options);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { response: { bytes, sha256, rows: table.rows }, transfer: [bytes.buffer as ArrayBuffer] };
});
