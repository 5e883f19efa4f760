/** The tables of a corpus, opened when they are first asked for; the last few stay open. */
import type { CorpusSource, SourceFile } from './corpusSource.ts';
import { openSourceTable } from './openSourceTable.ts';
import type { SourceTable } from './sourceTable.ts';
import type { TableFormat } from './tableFormat.ts';

/** Tables that stay open. */
const OPEN_TABLES = 8;

export interface OpenTables {
  /** One at a time: the oldest is closed for it. Throws what `tableRejection` takes. */
  get(uri: string): Promise<SourceTable>;
  close(): Promise<void>;
}

export function openTables(source: CorpusSource, format: TableFormat, signal: AbortSignal): OpenTables {
  const opened = new Map<string, { readonly file: SourceFile; readonly table: SourceTable }>();

  async function closeAllBut(count: number): Promise<void> {
    for (const [oldest, { file }] of [...opened].slice(0, Math.max(0, opened.size - count))) {
      opened.delete(oldest);
      await file.close();
    }
  }

  return {
    async get(uri) {
      const known = opened.get(uri);
      if (known !== undefined) return known.table;
      await closeAllBut(OPEN_TABLES - 1);
      const file = await source.open(uri, signal);
      try {
        const read = (start: number, end: number) => file.read({ start, end }, signal);
        const table = await openSourceTable(format, { bytes: file.bytes, read });
        opened.set(uri, { file, table });
        return table;
      } catch (error) {
        await file.close();
        throw error;
      }
    },
    close: () => closeAllBut(0),
  };
}
