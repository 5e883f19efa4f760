/**
 * A table file of a corpus, Parquet or Arrow IPC, read in pieces: row groups or record batches. Values come as texts,
 * numbers, bigints, booleans, byte arrays, objects of those, or null.
 */

/** What a column may be used for. */
export type FieldKind = 'text' | 'bytes' | 'image struct' | 'integer' | 'number' | 'boolean' | 'other';

export interface SourceField {
  readonly name: string;
  /** 'image struct': an object with `bytes`, as Hugging Face's `Image` is stored. */
  readonly kind: FieldKind;
  /** The type in the words of the file's format. */
  readonly type: string;
}

/** Rows that are read together at the least. */
export interface TablePiece {
  readonly start: number;
  readonly rows: number;
}

export interface ColumnSize {
  /** Bytes in the file, and once decoded. */
  readonly stored: number;
  readonly decoded: number;
  /** Whether pages of it can be read alone. */
  readonly paged: boolean;
}

export type SourceRow = Readonly<Record<string, unknown>>;

export interface SourceTable {
  readonly fields: readonly SourceField[];
  readonly rows: number;
  /** In order; together all rows. */
  readonly pieces: readonly TablePiece[];
  /** Rows [start, end) of one piece. Throws when the file does not hold what it says. */
  read(columns: readonly string[], start: number, end: number): Promise<SourceRow[]>;
  /** What a column of a piece takes. */
  columnSize(piece: TablePiece, column: string): ColumnSize;
  /** First rows of the pages that can be read alone, ascending; undefined: only the whole column of the piece can. */
  pageStarts(piece: TablePiece, column: string): Promise<readonly number[] | undefined>;
}

/** Bytes of a table file at hand. Throws as `SourceFile.read`. */
export interface TableBytes {
  readonly bytes: number;
  read(start: number, end: number): Promise<Uint8Array>;
}

/** The piece that holds a row; undefined: none does. */
export function pieceOf(pieces: readonly TablePiece[], row: number): TablePiece | undefined {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const piece = pieces[middle] as TablePiece;
    if (row < piece.start) high = middle;
    else if (row >= piece.start + piece.rows) low = middle + 1;
    else return piece;
  }
  return undefined;
}
