/**
 * Images in the rows of a corpus's tables, one at a time, in any order and again and again. What has to be read for one
 * image (its page, or where pages cannot be read alone its whole row group or record batch) is kept for its neighbours,
 * which are asked for next where a table is sorted by person.
 */
import pLimit from 'p-limit';
import { type CorpusSource, type ReadOutcome, rejected } from './corpusSource.ts';
import { openTables } from './openTables.ts';
import { pieceOf, type TablePiece } from './sourceTable.ts';
import { chooseTableColumns, type TableColumnRequest } from './tableColumns.ts';
import type { TableFormat } from './tableFormat.ts';
import { tableRejection } from './tableRejection.ts';
import { contentOfRows, imageInRow, type RowContent, type RowFace } from './tableRows.ts';

/** Bytes of images that are kept, at the least those that had to be read for the last. */
const KEPT_BYTES = 256 * 2 ** 20;

/** Rows that are read at once, whatever a file says that it has. */
const MOST_ROWS = 2 ** 16;

export interface RowImageReading {
  readonly format: TableFormat;
  readonly columns: TableColumnRequest;
  /** Default: 256 MiB. */
  readonly keptBytes?: number;
}

export interface RowImageReader {
  /** What is wrong with a row, or with its table, is a rejection; throws as `CorpusSource.read`. */
  read(face: RowFace): Promise<ReadOutcome>;
  close(): Promise<void>;
}

/** Rows [start, end) of a table with what they hold. */
interface KeptRows {
  readonly uri: string;
  readonly start: number;
  readonly end: number;
  readonly contents: readonly RowContent[];
  /** Of all images. */
  readonly bytes: number;
}

export function openRowImages(
  source: CorpusSource,
  { format, columns, keptBytes = KEPT_BYTES }: RowImageReading,
  signal: AbortSignal,
): RowImageReader {
  const tables = openTables(source, format, signal);
  // Neighbours that are asked for together must not be read twice.
  const oneByOne = pLimit(1);
  /** Used last at the end. */
  let kept: KeptRows[] = [];

  function keep(rows: KeptRows): void {
    kept = [...kept.filter((other) => other !== rows), rows];
    let bytes = kept.reduce((sum, { bytes }) => sum + bytes, 0);
    while (bytes > keptBytes && kept.length > 1) bytes -= kept.shift()?.bytes ?? 0;
  }

  async function read(face: RowFace): Promise<ReadOutcome> {
    const { uri, row } = face;
    const holds = (rows: KeptRows) => rows.uri === uri && rows.start <= row && row < rows.end;
    const rows = kept.find(holds) ?? (await readAround(uri, row));
    if (!('start' in rows)) return rows;
    keep(rows);
    const content = rows.contents[row - rows.start];
    if (content === undefined) return rejected('no-image', `row ${row} has no image`);
    // A copy: whoever gets it may hand it over.
    return imageInRow({ ...content, image: content.image.slice() }, face);
  }

  async function readAround(uri: string, row: number) {
    const table = await tables.get(uri);
    const { image, ...ids } = chooseTableColumns(table.fields, columns, uri);
    if (!('column' in image)) return rejected('not-embedded', 'the table holds paths and no images');
    const piece = pieceOf(table.pieces, row);
    if (piece === undefined) return rejected('beyond-end', `expected row ${row}, the table ends before`);
    const pageStarts = (await table.pageStarts(piece, image.column)) ?? [];
    const { start, end } = rowsAround(piece, pageStarts, row);
    const numbers = Array.from({ length: end - start }, (_, i) => start + i);
    const contents = await contentOfRows(table, { ...ids, image }, uri, numbers);
    const bytes = contents.reduce((sum, { image }) => sum + image.length, 0);
    return { uri, start, end, contents, bytes };
  }

  return {
    read: (face) =>
      oneByOne(async () => {
        signal.throwIfAborted();
        try {
          return await read(face);
        } catch (error) {
          // A read that was broken off says nothing of the table.
          signal.throwIfAborted();
          return tableRejection(error, face.uri);
        }
      }),
    close: () => oneByOne(() => tables.close()),
  };
}

/**
 * The rows [start, end) that are read for one of them: those of its page, or without pages all of its piece. What a
 * damaged file says of its pages moves the borders, never beyond the piece and never past the row.
 */
export function rowsAround({ start, rows }: TablePiece, pageStarts: readonly number[], row: number) {
  const block = start + Math.floor((row - start) / MOST_ROWS) * MOST_ROWS;
  const before = pageStarts.filter((page) => page <= row);
  const after = pageStarts.filter((page) => page > row);
  return {
    start: Math.max(block, ...before.slice(-1)),
    end: Math.min(block + MOST_ROWS, start + rows, ...after.slice(0, 1)),
  };
}
