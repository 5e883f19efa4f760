/**
 * Photographs that lie in the rows of tables: of each row group or record batch, the rows of the shard are read
 * together, in a thread, and kept until they are asked for. Memory: the photographs of a shard at the most.
 */
import { type Rejected, rejected } from '../../shared/corpus/corpusSource.ts';
import type { OpenCorpusSourceOptions } from '../../shared/corpus/openCorpusSource.ts';
import type { RowImageReader } from '../../shared/corpus/rowImages.ts';
import { pieceOf, type TablePiece } from '../../shared/corpus/sourceTable.ts';
import type { TableColumnRequest } from '../../shared/corpus/tableColumns.ts';
import type { TableFormat } from '../../shared/corpus/tableFormat.ts';
import { imageInRow, type RowContent, type RowFace } from '../../shared/corpus/tableRows.ts';
import type { RequestListeners, StoreRequest, StoreRetry } from '../../shared/store/observedStore.ts';
import { openThreadPool } from '../../shared/threads/threadPool.ts';

/** What a thread needs to read tables; cloned into it. */
export interface TableReading {
  readonly root: string;
  readonly source: Omit<OpenCorpusSourceOptions, 'listeners'>;
  readonly format: TableFormat;
  readonly columns: TableColumnRequest;
}

/** `pieces`: how a table is divided. `rows`: what rows hold, all in one piece and ascending. */
export type TableRequest =
  | { readonly kind: 'pieces'; readonly uri: string }
  | { readonly kind: 'rows'; readonly uri: string; readonly rows: readonly number[] };

export type TableAnswer =
  | { readonly status: 'pieces'; readonly pieces: readonly TablePiece[] }
  | { readonly status: 'rows'; readonly rows: readonly RowContent[] }
  | Rejected;

/** What a thread answers, with the requests that ended in it since its last answer. */
export interface HeardAnswer {
  readonly answer: TableAnswer;
  readonly requests: readonly StoreRequest[];
  readonly retries: readonly StoreRetry[];
}

export interface TableImages {
  /** The images of one shard's faces, each to be read once. */
  forShard(faces: readonly RowFace[]): Pick<RowImageReader, 'read'>;
  close(): Promise<void>;
}

/** Tables read at once. */
const THREADS = 2;

export async function openTableImages(
  reading: TableReading,
  listeners: RequestListeners = {},
): Promise<TableImages> {
  const pool = await openThreadPool<TableRequest, HeardAnswer>({
    name: 'table image',
    file: new URL('./tableImagesThread.js', import.meta.url),
    size: THREADS,
    init: reading,
    depth: 1,
  });
  const ask = async (request: TableRequest): Promise<TableAnswer> => {
    const { answer, requests, retries } = await pool.run(request);
    for (const heard of requests) listeners.onRequest?.(heard);
    for (const heard of retries) listeners.onRetry?.(heard);
    return answer;
  };
  return {
    forShard: (faces) => shardImages(faces, ask),
    close: () => pool.close(),
  };
}

/** What the rows of one piece hold, by row. */
type PieceRows = Promise<Map<number, RowContent> | Rejected>;

/** Only for tests apart from this file: `ask` is the thread. */
export function shardImages(
  faces: readonly RowFace[],
  ask: (request: TableRequest) => Promise<TableAnswer>,
): Pick<RowImageReader, 'read'> {
  const rowsOf = new Map<string, number[]>();
  for (const { uri, row } of faces) {
    const rows = rowsOf.get(uri) ?? [];
    rows.push(row);
    rowsOf.set(uri, rows);
  }
  for (const rows of rowsOf.values()) rows.sort((a, b) => a - b);
  const tables = new Map<string, Promise<TableAnswer>>();
  const pieces = new Map<string, PieceRows>();

  async function readPiece(uri: string, piece: TablePiece): PieceRows {
    const rows = (rowsOf.get(uri) ?? []).filter(
      (row) => row >= piece.start && row < piece.start + piece.rows,
    );
    const answer = await ask({ kind: 'rows', uri, rows });
    if (answer.status === 'rejected') return answer;
    if (answer.status !== 'rows') throw new Error('the thread answered another question');
    return new Map(rows.map((row, i) => [row, answer.rows[i]!]));
  }

  return {
    async read(face) {
      const { uri, row } = face;
      const table = tables.get(uri) ?? ask({ kind: 'pieces', uri });
      tables.set(uri, table);
      const divided = await table;
      if (divided.status === 'rejected') return divided;
      const piece = divided.status === 'pieces' ? pieceOf(divided.pieces, row) : undefined;
      if (piece === undefined) return rejected('beyond-end', `expected row ${row}, the table ends before`);
      const key = `${piece.start} ${uri}`;
      const reading = pieces.get(key) ?? readPiece(uri, piece);
      pieces.set(key, reading);
      const contents = await reading;
      if (!(contents instanceof Map)) return contents;
      const content = contents.get(row);
      // Each face is read once: the next of the shard needs the memory.
      contents.delete(row);
      if (content === undefined) throw new Error(`row ${row} of ${uri} was not asked for, or was twice`);
      return imageInRow(content, face);
    },
  };
}
