/** Answers of what a table of the corpus holds in which rows: the work of the thread beside it. */
import { type CorpusSource, rejected } from '../../shared/corpus/corpusSource.ts';
import { openTables } from '../../shared/corpus/openTables.ts';
import { chooseTableColumns } from '../../shared/corpus/tableColumns.ts';
import { tableRejection } from '../../shared/corpus/tableRejection.ts';
import { contentOfRows } from '../../shared/corpus/tableRows.ts';
import type { TableAnswer, TableReading, TableRequest } from './tableImages.ts';

export interface TableReads {
  /** One request at a time. Never throws on account of a table. */
  answer(request: TableRequest): Promise<TableAnswer>;
  /** Closes the tables. A thread need not: its files are closed when it ends. */
  close(): Promise<void>;
}

export function openTableReads(
  source: CorpusSource,
  { format, columns }: Pick<TableReading, 'format' | 'columns'>,
): TableReads {
  const tables = openTables(source, format, new AbortController().signal);

  async function read(request: TableRequest): Promise<TableAnswer> {
    const table = await tables.get(request.uri);
    if (request.kind === 'pieces') return { status: 'pieces', pieces: table.pieces };
    const { uri, rows } = request;
    const { image, ...ids } = chooseTableColumns(table.fields, columns, uri);
    if (!('column' in image)) return rejected('not-embedded', 'the table holds paths and no images');
    return { status: 'rows', rows: await contentOfRows(table, { ...ids, image }, uri, rows) };
  }

  return {
    async answer(request) {
      try {
        return await read(request);
      } catch (error) {
        return tableRejection(error, request.uri);
      }
    },
    close: () => tables.close(),
  };
}
