/**
 * The thread that encodes tables, and hashes those that it hands over, so that neither happens where a queue lock is
 * renewed.
 */
import { bodySha256 } from '../../shared/store/objectBody.ts';
import type { ColumnarTable } from '../../shared/table/columns.ts';
import { type EncodeOptions, encodeTable } from '../../shared/table/encodeTable.ts';
import { serveThread } from '../../shared/threads/serveThread.ts';

export interface EncodeRequest {
  readonly table: ColumnarTable;
  readonly options: EncodeOptions;
}

export interface EncodedContent {
  readonly content: readonly Uint8Array[];
  /** Absent where the content is in shared memory: it may be hashed by others, while it is written. */
  readonly sha256?: string;
}

await serveThread<undefined, EncodeRequest, EncodedContent>(async () => async ({ table, options }) => {
  const content = await encodeTable(table, options);
  const buffers = [...new Set(content.map((piece) => piece.buffer))];
  const transfer = buffers.filter((buffer) => buffer instanceof ArrayBuffer);
  if (transfer.length === 0) return { response: { content } };
  return { response: { content, sha256: bodySha256(content) }, transfer };
});
