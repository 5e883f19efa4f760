/**
 * Images in the rows of a corpus's tables, one at a time, in any order and again and again. What has to be read for one
 * image (its page, or where pages cannot be read alone its whole row group or record batch) is kept for its neighbours,
 * which are asked for next where a table is sorted by person.
 */
import pLimit from 'p-limit';
import { type CorpusSource, type ReadOutcome, rejected } from './corpusSource.ts';
import { openTables, tableRejection } from './openTables.ts';
import { pieceOf, type TablePiece } from './sourceTable.ts';
import { chooseTableColumns, type TableColumnRequest } from './tableColumns.ts';
import { imagesOfRows } from './tableRows.ts';

/** Bytes of images that are kept, at the least those that had to be read for the last. */
const KEPT_BYTES = 256 * 2 ** 20;

/** Rows that are read at once, whatever a file says that it has. */
const MOST_ROWS = 2 ** 16;

export interface RowImageReading {
  readonly format: 'parquet' | 'arrow';
  readonly columns: TableColumnRequest;
  /** Default: 256 MiB. */
  readonly keptBytes?: number;
}

export interface RowImageReader {
  /** What is wrong with a row, or with its table, is a rejection; throws as `CorpusSource.read`. */
  read(uri: string, row: number): Promise<ReadOutcome>;
  close(): Promise<void>;
}

/** Rows [start, end) of a table with their images. */
interface KeptRows {
  readonly uri: string;
  readonly start: number;
  readonly end: number;
  readonly images: readonly Uint8Array[];
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

  async function read(uri: string, row: number): Promise<ReadOutcome> {
    const holds = (rows: KeptRows) => rows.uri === uri && rows.start <= row && row < rows.end;
    const rows = kept.find(holds) ?? (await readAround(uri, row));
    if (!('start' in rows)) return rows;
    keep(rows);
    // A copy: whoever gets it may hand it over.
    const bytes = rows.images[row - rows.start]?.slice();
    return bytes !== undefined && bytes.length > 0
      ? { status: 'ok', bytes }
      : rejected('no-image', `row ${row} has no image`);
  }

  async function readAround(uri: string, row: number) {
    const table = await tables.get(uri);
    const { image } = chooseTableColumns(table.fields, columns, uri);
    if (!('column' in image)) return rejected('not-embedded', 'the table holds paths and no images');
    const piece = pieceOf(table.pieces, row);
    if (piece === undefined) return rejected('beyond-end', `expected row ${row}, the table ends before`);
    const pageStarts = (await table.pageStarts(piece, image.column)) ?? [];
    const { start, end } = rowsAround(piece, pageStarts, row);
    const numbers = Array.from({ length: end - start }, (_, i) => start + i);
    const images = await imagesOfRows(table, image, numbers);
    const bytes = images.reduce((sum, { length }) => sum + length, 0);
    return { uri, start, end, images, bytes };
  }

  return {
    read: (uri, row) =>
      oneByOne(async () => {
        signal.throwIfAborted();
        try {
          return await read(uri, row);
        } catch (error) {
          // A read that was broken off says nothing of the table.
          signal.throwIfAborted();
          return tableRejection(error, uri);
        }
      }),
    close: () => oneByOne(() => tables.close()),
  };
}

/**
 * The rows [start, end) that are read for one of them: those of its page, or without pages all of its piece. What a damaged
 * file says of its pages moves the borders, never beyond the piece and never past the row.
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
