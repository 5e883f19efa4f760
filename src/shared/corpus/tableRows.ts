/**
 * Images out of the rows of one piece of a table, reading no more pages than hold them, with whose they are: a table
 * that was sorted anew since it was listed has somebody else's photograph in the row.
 */
import type { FaceRecord } from '../face.ts';
import { MAX_IMAGE_BYTES, type ReadOutcome, rejected } from './corpusSource.ts';
import { idsOfRow, type RowIds } from './rowIds.ts';
import { pieceOf, type SourceRow, type SourceTable } from './sourceTable.ts';
import type { CorpusColumns } from './tableColumns.ts';

/** A face whose image is in a row. */
export type RowFace = FaceRecord & { readonly row: number };

export interface ImageColumn {
  readonly column: string;
  readonly kind: 'bytes' | 'struct';
}

/** The columns of a table with images in it. */
export interface RowColumns extends Pick<CorpusColumns, 'faceId' | 'subjectId'> {
  readonly image: ImageColumn;
}

/** What a row holds now. */
export interface RowContent extends RowIds {
  /**
   * In an ArrayBuffer of its own, which can be handed to another thread; empty: the row has none, or one larger than
   * any photograph.
   */
  readonly image: Uint8Array;
  /** There is a path where the image would be, as Hugging Face's `Image` may have it. */
  readonly onlyPath: boolean;
}

/**
 * What each row holds. `rows`: ascending, all in one piece.
 * @throws Error when the table does not hold what it says.
 */
export async function contentOfRows(
  table: SourceTable,
  { image, ...columns }: RowColumns,
  uri: string,
  rows: readonly number[],
): Promise<RowContent[]> {
  const ids = columns.faceId === undefined ? [] : [columns.faceId];
  const idColumns = [...new Set([...ids, columns.subjectId])];
  const apart = await idsApart(table, image.column, idColumns, rows);
  const runs = await runsOf(table, image.column, rows);
  const contents: RowContent[] = [];
  for (const run of runs) {
    const cells = await readSpan(table, apart ? [image.column] : [...idColumns, image.column], run);
    for (const row of run) {
      const cell = cells(row)?.[image.column];
      contents.push({
        ...idsOfRow(columns, (apart ?? cells)(row), uri, row),
        // Copied at once: a view would keep its page in memory, and the rows between with it.
        image: new Uint8Array(imageOf(cell, image.kind)),
        onlyPath: image.kind === 'struct' && hasOnlyPath(cell),
      });
    }
  }
  return contents;
}

/** Whole columns of ids are read for some of their rows up to this size: one request, and soon decoded. */
const WHOLE_BYTES = 256 * 1024;
const WHOLE_ROWS = 4_096;

/**
 * The ids of rows whose images are read page by page: with the pages of each run they would be two more requests a
 * column. Undefined: the whole column of images is read, and the ids with it.
 */
async function idsApart(
  table: SourceTable,
  image: string,
  columns: readonly string[],
  rows: readonly number[],
): Promise<((row: number) => SourceRow | undefined) | undefined> {
  const [first] = rows;
  const piece = first === undefined ? undefined : pieceOf(table.pieces, first);
  if (piece === undefined || !table.columnSize(piece, image).paged) return undefined;
  const bytes = columns.reduce((sum, column) => sum + table.columnSize(piece, column).stored, 0);
  const whole = piece.rows <= WHOLE_ROWS && bytes <= WHOLE_BYTES;
  return whole
    ? readSpan(table, columns, [piece.start, piece.start + piece.rows - 1])
    : readInSteps(table, columns, rows);
}

/** Rows that are decoded at a time, of which most are not asked for. */
const STEP_ROWS = 65_536;

/** Only `rows`, by their number: those between would be a hundred megabytes in a row group of a million. */
async function readInSteps(
  table: SourceTable,
  columns: readonly string[],
  rows: readonly number[],
): Promise<(row: number) => SourceRow | undefined> {
  const kept = new Map<number, SourceRow | undefined>();
  for (let at = 0; at < rows.length; ) {
    const start = rows[at] as number;
    const step = rows.slice(at).filter((row) => row < start + STEP_ROWS);
    const found = await readSpan(table, columns, step);
    for (const row of step) kept.set(row, found(row));
    at += step.length;
  }
  return (row) => kept.get(row);
}

/** The image of a row, if the row is still the one that was listed. */
export function imageInRow(
  { image, onlyPath, ...found }: RowContent,
  { faceId, subjectId, uri, row }: RowFace,
): ReadOutcome {
  if (found.subjectId !== subjectId || found.faceId !== faceId) {
    const [listed, there] = [
      [subjectId, faceId],
      [found.subjectId ?? null, found.faceId ?? null],
    ];
    return rejected(
      'another-row',
      `expected person and face ${JSON.stringify(listed)}, as listed, found ${JSON.stringify(there)} [file=${uri}, row=${row}]`,
    );
  }
  if (image.length > 0) return { status: 'ok', bytes: image };
  return rejected(
    'no-image',
    onlyPath
      ? `row ${row} holds a path and no image; embed the images, or write the paths as a column of text`
      : `row ${row} has no image`,
  );
}

/** The rows from the first to the last of `rows`, by their number. */
async function readSpan(
  table: SourceTable,
  columns: readonly string[],
  rows: readonly number[],
): Promise<(row: number) => SourceRow | undefined> {
  const start = rows[0] as number;
  const found = await table.read(columns, start, (rows.at(-1) as number) + 1);
  return (row) => found[row - start];
}

/** Rows that are read together: those of one page or of pages that touch; without pages, all. */
async function runsOf(table: SourceTable, column: string, rows: readonly number[]): Promise<number[][]> {
  const [first] = rows;
  const piece = first === undefined ? undefined : pieceOf(table.pieces, first);
  if (piece === undefined) return [];
  const pages = await table.pageStarts(piece, column);
  if (pages === undefined) return [[...rows]];
  const runs: number[][] = [];
  let page = 0;
  let lastPage = -2;
  for (const row of rows) {
    while (page + 1 < pages.length && (pages[page + 1] as number) <= row) page++;
    if (page > lastPage + 1) runs.push([]);
    runs.at(-1)?.push(row);
    lastPage = page;
  }
  return runs;
}

const NONE = new Uint8Array(0);

function imageOf(value: unknown, kind: ImageColumn['kind']): Uint8Array {
  if (value === null || value === undefined) return NONE;
  const bytes = kind === 'struct' ? (value as { readonly bytes?: unknown }).bytes : value;
  if (bytes === null || bytes === undefined) return NONE;
  if (!(bytes instanceof Uint8Array)) throw new Error(`expected bytes for an image, found ${typeof bytes}`);
  return bytes.length > MAX_IMAGE_BYTES ? NONE : bytes;
}

function hasOnlyPath(value: unknown): boolean {
  if (value === null || value === undefined) return false;
  const { bytes, path } = value as { readonly bytes?: unknown; readonly path?: unknown };
  return (bytes === null || bytes === undefined) && typeof path === 'string' && path !== '';
}
