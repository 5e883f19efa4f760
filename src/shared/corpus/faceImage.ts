/** One face's image, for whoever wants few of them; a worker reads those of a shard together (`shardImages.ts`). */
import type { RunConfig } from '../config.ts';
import { describeError, PosecastError } from '../errors.ts';
import type { FaceRecord } from '../face.ts';
import { type CorpusSource, isOfOneObject, type ReadOutcome, readImage, rejected } from './corpusSource.ts';
import { imageOfRecord, subjectOf } from './imageRecord.ts';
import { openSourceTable } from './openSourceTable.ts';
import { isBroken } from './recordIo.ts';
import { pieceOf } from './sourceTable.ts';
import { chooseTableColumns } from './tableColumns.ts';
import { contentOfRows, imageInRow } from './tableRows.ts';
import { imageInMember, memberPlace } from './tarMember.ts';

/** More is not read for one image of it. */
const MAX_COLUMN_BYTES = 64 * 2 ** 20;

/** What is wrong with the one image is a rejection; throws as `CorpusSource` does. */
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

async function readRow(
  { corpusFormat, tableColumns }: { corpusFormat: 'parquet' | 'arrow' } & Pick<RunConfig, 'tableColumns'>,
  source: CorpusSource,
  face: FaceRecord & { readonly row: number },
  signal: AbortSignal,
): Promise<ReadOutcome> {
  const { uri, row } = face;
  const file = await source.open(uri, signal);
  try {
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
    return content === undefined
      ? rejected('no-image', `row ${row} has no image`)
      : imageInRow(content, face);
  } catch (error) {
    signal.throwIfAborted();
    if (isOfOneObject(error)) return rejected(error.code, `table ${error.message} [file=${uri}]`);
    if (error instanceof PosecastError || (error instanceof Error && 'syscall' in error)) throw error;
    return rejected('broken-table', `table cannot be read: ${describeError(error)} [file=${uri}]`);
  } finally {
    await file.close();
  }
}
