/** Encoding of tables in a thread of its own; buffers are handed over or shared, never copied. */
import { openOnDemand } from '../../shared/async/openOnDemand.ts';
import { bodyBytes } from '../../shared/store/objectBody.ts';
import { type ColumnarTable, tableBuffers } from '../../shared/table/columns.ts';
import type { EncodedTable, EncodeOptions } from '../../shared/table/encodeTable.ts';
import { openThreadPool } from '../../shared/threads/threadPool.ts';
import type { EncodedContent, EncodeRequest } from './tableThread.ts';

export interface TableWriter {
  /**
   * Encodes and hashes a table. The table belongs to the thread from now on: what is not shared moves there, what is
   * must not be touched. An Arrow file comes back before it is hashed: some threads hash what another writes.
   */
  encode(table: ColumnarTable, options: EncodeOptions): Promise<EncodedTable>;
  close(): Promise<void>;
}

/** Arrow files hashed at once: as many as a worker has shards in work. One thread hashes slower than disks write. */
const HASH_THREADS = 2;

export async function openTableWriter(): Promise<TableWriter> {
  const tables = await openThreadPool<EncodeRequest, EncodedContent>({
    name: 'table',
    file: new URL('./tableThread.js', import.meta.url),
    size: 1,
    init: undefined,
  });
  /** Opened by the first Arrow file: most runs write none. */
  const hashes = openOnDemand(() =>
    openThreadPool<readonly Uint8Array[], string>({
      name: 'hash',
      file: new URL('./hashThread.js', import.meta.url),
      size: HASH_THREADS,
      init: undefined,
    }),
  );

  async function hashShared(content: readonly Uint8Array[]): Promise<string> {
    return (await hashes.get()).run(content);
  }

  return {
    async encode(table, options) {
      const { rows } = table;
      const { content, sha256 } = await tables.run({ table, options }, tableBuffers(table));
      const hashed = sha256 === undefined ? hashShared(content) : Promise.resolve(sha256);
      // Whoever waits for it hears of a failure. Nobody does when writing the file failed first.
      hashed.catch(() => {});
      return { content, bytes: bodyBytes(content), sha256: hashed, rows };
    },
    async close() {
      await tables.close();
      await hashes.close();
    },
  };
}
