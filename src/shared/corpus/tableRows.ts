/** Images out of the rows of one piece of a table, reading no more pages than hold them. */
import { MAX_IMAGE_BYTES } from './corpusSource.ts';
import { pieceOf, type SourceTable } from './sourceTable.ts';

export interface ImageColumn {
  readonly column: string;
  readonly kind: 'bytes' | 'struct';
}

/**
 * The image of each row, in an ArrayBuffer of its own, which can be handed to another thread; empty: the row has none, or
 * one larger than any photograph. `rows`: ascending, all in one piece.
 *
 * @throws Error when the table does not hold what it says.
 */
export async function imagesOfRows(
  table: SourceTable,
  image: ImageColumn,
  rows: readonly number[],
): Promise<Uint8Array[]> {
  const images: Uint8Array[] = [];
  for (const run of await runsOf(table, image.column, rows)) {
    const start = run[0] as number;
    const found = await table.read([image.column], start, (run.at(-1) as number) + 1);
    // Copied at once: a view would keep its page in memory, and the rows between with it.
    for (const row of run)
      images.push(new Uint8Array(imageOf(found[row - start]?.[image.column], image.kind)));
  }
  return images;
}

/** Rows that are read together: those of one page or of pages that touch; without pages, all. */
export async function runsOf(
  table: SourceTable,
  column: string,
  rows: readonly number[],
): Promise<number[][]> {
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
