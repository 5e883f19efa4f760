/** One face's image, for whoever wants few of them; a worker reads those of a shard together (`shardImages.ts`). */
import type { RunConfig } from '../config.ts';
import type { FaceRecord } from '../face.ts';
import { type CorpusSource, type ReadOutcome, readImage, rejected, type SourceFile } from './corpusSource.ts';
import { openSourceTable } from './openSourceTable.ts';
import { pieceOf } from './sourceTable.ts';
import { type StoredRow, storedImage } from './storedImage.ts';
import { chooseTableColumns, type TableColumnRequest } from './tableColumns.ts';
import { tableRejection } from './tableRejection.ts';
import { contentOfRows, imageInRow } from './tableRows.ts';

/** More is not read for one image of it. */
const MAX_COLUMN_BYTES = 64 * 2 ** 20;

/** What is wrong with the one image, or with its table, is a rejection; throws as `CorpusSource.read`. */
export async function readFaceImage(
  { corpusFormat, tableColumns }: Pick<RunConfig, 'corpusFormat' | 'tableColumns'>,
  source: CorpusSource,
  face: FaceRecord,
  signal: AbortSignal,
): Promise<ReadOutcome> {
  const image = storedImage(corpusFormat, face);
  return image.kind === 'bytes'
    ? image.imageIn(await readImage(source, image.location, signal))
    : readRow(source, image, tableColumns, signal);
}

async function readRow(
  source: CorpusSource,
  stored: StoredRow,
  columns: TableColumnRequest,
  signal: AbortSignal,
): Promise<ReadOutcome> {
  const { uri } = stored.face;
  try {
    const file = await source.open(uri, signal);
    try {
      return await readRowOf(file, stored, columns, signal);
    } finally {
      await file.close();
    }
  } catch (error) {
    // A read that was broken off says nothing of the table.
    signal.throwIfAborted();
    return tableRejection(error, uri);
  }
}

async function readRowOf(
  file: SourceFile,
  { format, face }: StoredRow,
  columns: TableColumnRequest,
  signal: AbortSignal,
): Promise<ReadOutcome> {
  const { uri, row } = face;
  const read = (start: number, end: number) => file.read({ start, end }, signal);
  const table = await openSourceTable(format, { bytes: file.bytes, read });
  const { image, ...ids } = chooseTableColumns(table.fields, columns, uri);
  const piece = pieceOf(table.pieces, row);
  if (!('column' in image) || piece === undefined) {
    return rejected('beyond-end', `expected an image in row ${row}, the table has none`);
  }
  const { stored, paged } = table.columnSize(piece, image.column);
  if (!paged && stored > MAX_COLUMN_BYTES) {
    return rejected(
      'too-many-bytes',
      `expected at most ${MAX_COLUMN_BYTES} bytes around it, found ${stored}`,
    );
  }
  const [content] = await contentOfRows(table, { ...ids, image }, uri, [row]);
  return content === undefined ? rejected('no-image', `row ${row} has no image`) : imageInRow(content, face);
}
