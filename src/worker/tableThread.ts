/** The thread that encodes and hashes tables, so that neither happens where a queue lock is renewed. */
import { bodyBytes, bodySha256 } from '../shared/store/objectBody.ts';
import type { TableColumns } from '../shared/table/columns.ts';
import { type EncodedTable, type EncodeOptions, encodeTable } from '../shared/table/encodeTable.ts';
import { serveThread } from '../shared/threads/serveThread.ts';

export interface TableRequest {
  readonly table: TableColumns;
  readonly options: EncodeOptions;
}

await serveThread<undefined, TableRequest, EncodedTable>(async () => async ({ table, options }) => {
  const content = await encodeTable(table, options);
  const response = { content, bytes: bodyBytes(content), sha256: bodySha256(content), rows: table.rows };
  return { response, transfer: [...new Set(content.map((piece) => piece.buffer as ArrayBuffer))] };
});
