/**
 * The image of a face, as a corpus of each format holds it: what is read of which object, and how the image comes out
 * of that. Whoever reads photographs asks here, one at a time or a shard's together; how a new format holds them is one
 * more case here.
 */
import type { RunConfig } from '../config.ts';
import type { FaceRecord } from '../face.ts';
import type { ImageLocation, ReadOutcome } from './corpusSource.ts';
import { imageInRecord } from './imageRecord.ts';
import type { TableFormat } from './tableFormat.ts';
import type { RowFace } from './tableRows.ts';
import { imageInMember, memberLocation } from './tarMember.ts';

/** Bytes of an object: all of it, or a member of an archive. */
export interface StoredBytes {
  readonly kind: 'bytes';
  readonly location: ImageLocation;
  /** Takes the image out of what was read there; what was rejected, or is another's by now, is a rejection. */
  imageIn(read: ReadOutcome): ReadOutcome;
}

/** A row of a table. */
export interface StoredRow {
  readonly kind: 'row';
  readonly format: TableFormat;
  readonly face: RowFace;
}

export function storedImage(
  corpusFormat: RunConfig['corpusFormat'],
  face: FaceRecord,
): StoredBytes | StoredRow {
  const whole: StoredBytes = { kind: 'bytes', location: face, imageIn: (read) => read };
  switch (corpusFormat) {
    case 'folder':
    case 'csv':
    case 'kdef':
      return whole;
    case 'webdataset':
      return { kind: 'bytes', location: memberLocation(face), imageIn: (read) => imageInMember(read, face) };
    case 'recordio':
      return { kind: 'bytes', location: face, imageIn: (read) => imageInRecord(read, face) };
    case 'parquet':
    case 'arrow': {
      const { row } = face;
      // Without a row, the table has the paths of its images.
      return row === undefined ? whole : { kind: 'row', format: corpusFormat, face: { ...face, row } };
    }
  }
}
