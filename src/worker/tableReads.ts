/** Answers of what a table of the corpus holds in which rows: the work of the thread beside it. */
import {
  type CorpusSource,
  isOfOneObject,
  rejected,
  type SourceFile,
} from '../shared/corpus/corpusSource.ts';
import { openSourceTable } from '../shared/corpus/openSourceTable.ts';
import type { SourceTable } from '../shared/corpus/sourceTable.ts';
import { chooseTableColumns } from '../shared/corpus/tableColumns.ts';
import { imagesOfRows } from '../shared/corpus/tableRows.ts';
import { ConfigError, describeError, PosecastError } from '../shared/errors.ts';
import type { TableAnswer, TableReading, TableRequest } from './tableImages.ts';

/** Tables that stay open. */
const OPEN_TABLES = 8;

interface OpenTable {
  readonly file: SourceFile;
  readonly table: SourceTable;
}

/** One request at a time. */
export function tableReads(
  source: CorpusSource,
  { format, columns }: Pick<TableReading, 'format' | 'columns'>,
): (request: TableRequest) => Promise<TableAnswer> {
  const never = new AbortController().signal;
  const opened = new Map<string, OpenTable>();

  async function open(uri: string): Promise<OpenTable> {
    const known = opened.get(uri);
    if (known !== undefined) return known;
    for (const [oldest, { file }] of [...opened].slice(0, -OPEN_TABLES + 1)) {
      opened.delete(oldest);
      await file.close();
    }
    const file = await source.open(uri, never);
    try {
      const read = (start: number, end: number) => file.read({ start, end }, never);
      const table = await openSourceTable(format, { bytes: file.bytes, read });
      opened.set(uri, { file, table });
      return { file, table };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async function answer(request: TableRequest): Promise<TableAnswer> {
    const { table } = await open(request.uri);
    if (request.kind === 'pieces') return { status: 'pieces', pieces: table.pieces };
    const { image } = chooseTableColumns(table.fields, columns, request.uri);
    if (!('column' in image)) return rejected('not-embedded', 'the table holds paths and no images');
    return { status: 'images', ...(await imagesOfRows(table, image, request.rows)) };
  }

  return async (request) => {
    try {
      return await answer(request);
    } catch (error) {
      // The service, the disk or the credentials fail all photographs alike; a table that is gone or broken fails its
      // own.
      if (error instanceof PosecastError && !(error instanceof ConfigError) && !isOfOneObject(error))
        throw error;
      if (error instanceof Error && 'syscall' in error) throw error;
      const code =
        error instanceof ConfigError
          ? String(error.facts.code ?? error.code)
          : isOfOneObject(error)
            ? error.code
            : 'broken-table';
      return rejected(code, `table cannot be read: ${describeError(error)} [file=${request.uri}]`);
    }
  };
}
