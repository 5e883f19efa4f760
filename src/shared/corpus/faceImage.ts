/** One face's image, for whoever wants few of them; a worker reads those of a shard together (`shardImages.ts`). */
import type { RunConfig } from '../config.ts';
import type { FaceRecord } from '../face.ts';
import { type CorpusSource, type ReadOutcome, readImage, rejected, type SourceFile } from './corpusSource.ts';
import { imageOfRecord, subjectOf } from './imageRecord.ts';
import { openSourceTable } from './openSourceTable.ts';
import { isBroken } from './recordIo.ts';
import type { RowFace } from './rowImages.ts';
import { pieceOf } from './sourceTable.ts';
import { chooseTableColumns } from './tableColumns.ts';
import { tableRejection } from './tableRejection.ts';
import { contentOfRows, imageInRow } from './tableRows.ts';
import { imageInMember, memberPlace } from './tarMember.ts';

/** More is not read for one image of it. */
const MAX_COLUMN_BYTES = 64 * 2 ** 20;

/** What is wrong with the one image, or with its table, is a rejection; throws as `CorpusSource.read`. */
export async function readFaceImage(
  config: Pick<RunConfig, 'corpusFormat' | 'tableColumns'>,
  source: CorpusSource,
  face: FaceRecord,
  signal: AbortSignal,
): Promise<ReadOutcome> {
  const { corpusFormat } = config;
  if (face.row !== undefined && (corpusFormat === 'parquet' || corpusFormat === 'arrow')) {
    return readRow(
      { corpusFormat, tableColumns: config.tableColumns },
      source,
      { ...face, row: face.row },
      signal,
    );
  }
  if (corpusFormat === 'webdataset') {
    return imageInMember(await readImage(source, memberPlace(face), signal), face);
  }
  const read = await readImage(source, face, signal);
  return corpusFormat === 'recordio' ? imageInRecord(read, face) : read;
}

/** Takes the image out of its record. The record is checked again: the archive may have changed since it was listed. */
export function imageInRecord(read: ReadOutcome, { uri, subjectId, offset = 0 }: FaceRecord): ReadOutcome {
  if (read.status === 'rejected') return read;
  const found = imageOfRecord(read.bytes);
  if (isBroken(found)) {
    return rejected('broken-record', `${found.problem} [file=${uri}, offset=${offset + found.at}]`);
  }
  const label = subjectOf(found.labels);
  if (label === subjectId) return { status: 'ok', bytes: found.image };
  const problem = `expected the label ${subjectId}, as listed, found ${label}`;
  return rejected('another-record', `${problem} [file=${uri}, offset=${offset}]`);
}

interface TableFormat extends Pick<RunConfig, 'tableColumns'> {
  readonly corpusFormat: 'parquet' | 'arrow';
}

async function readRow(
  columns: TableFormat,
  source: CorpusSource,
  face: RowFace,
  signal: AbortSignal,
): Promise<ReadOutcome> {
  try {
    const file = await source.open(face.uri, signal);
    try {
      return await readRowOf(file, columns, face, signal);
    } finally {
      await file.close();
    }
  } catch (error) {
    // A read that was broken off says nothing of the table.
    signal.throwIfAborted();
    return tableRejection(error, face.uri);
  }
}

async function readRowOf(
  file: SourceFile,
  { corpusFormat, tableColumns }: TableFormat,
  face: RowFace,
  signal: AbortSignal,
): Promise<ReadOutcome> {
  const { uri, row } = face;
  const read = (start: number, end: number) => file.read({ start, end }, signal);
  const table = await openSourceTable(corpusFormat, { bytes: file.bytes, read });
  const { image, ...ids } = chooseTableColumns(table.fields, tableColumns, uri);
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
