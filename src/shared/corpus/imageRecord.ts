/**
 * The content of an image record, as MXNet's `recordio.pack` writes it: `IRHeader` (`struct` format `IfQQ`, 24
 * bytes, little-endian), then as many float32 labels as `flag` says, then the image file as it is. With flag 0 the
 * label is the header's own; with another it is not used.
 */
import type { FaceRecord } from '../face.ts';
import { type ReadOutcome, rejected } from './corpusSource.ts';
import { isBroken, parseRecord, type RecordProblem } from './recordIo.ts';

/** Bytes of `IRHeader`: flag uint32, label float32, id uint64, id2 uint64. */
export const IMAGE_HEADER_BYTES = 24;

/** Float32 labels that are read; a flag beyond it is damage and no label array. */
export const MAX_LABELS = 4_096;

export interface ImageHeader {
  /** At least one value. */
  readonly labels: readonly number[];
  /** Where the image begins in the content. */
  readonly bytes: number;
}

/** Bytes from the content's start that hold header and labels, by its first 24. */
export function imageHeaderBytes(content: Uint8Array): number {
  return IMAGE_HEADER_BYTES + 4 * view(content).getUint32(0, true);
}

/** Header and labels at the start of a record's content of `length` bytes, of which `content` has those at least. */
export function parseImageHeader(content: Uint8Array, length: number): ImageHeader | RecordProblem {
  if (length < IMAGE_HEADER_BYTES) {
    return problem(`expected an image record of at least ${IMAGE_HEADER_BYTES} bytes, found ${length}`);
  }
  const numbers = view(content);
  const count = numbers.getUint32(0, true);
  const bytes = imageHeaderBytes(content);
  if (count > MAX_LABELS) return problem(`expected at most ${MAX_LABELS} labels, found a flag of ${count}`);
  if (bytes > length) return problem(`expected ${count} labels, found a record of ${length} bytes`);
  if (count === 0) return { labels: [numbers.getFloat32(4, true)], bytes };
  const labels = Array.from({ length: count }, (_, i) =>
    numbers.getFloat32(IMAGE_HEADER_BYTES + 4 * i, true),
  );
  return { labels, bytes };
}

export interface RecordImage {
  readonly status: 'ok';
  readonly labels: readonly number[];
  /** The image file. */
  readonly image: Uint8Array;
}

/** The image of a record, from the record's bytes in the archive. */
export function imageOfRecord(record: Uint8Array): RecordImage | RecordProblem {
  const found = parseRecord(record);
  if (isBroken(found)) return found;
  const header = parseImageHeader(found.content, found.content.length);
  if (isBroken(header)) return header;
  return { status: 'ok', labels: header.labels, image: found.content.subarray(header.bytes) };
}

/** The person that a record's first label names. */
export function subjectOf(labels: readonly number[]): string {
  return String(labels[0]);
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

function view(content: Uint8Array): DataView {
  return new DataView(content.buffer, content.byteOffset, content.byteLength);
}

function problem(text: string): RecordProblem {
  return { status: 'broken', problem: text, at: 0 };
}
