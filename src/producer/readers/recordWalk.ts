/** Walks the records of a RecordIO archive by their heads: what a listing needs, without the images. */
import {
  IMAGE_HEADER_BYTES,
  type ImageHeader,
  imageHeaderBytes,
  MAX_LABELS,
  parseImageHeader,
} from '../../shared/corpus/imageRecord.ts';
import {
  isBroken,
  PART_HEAD_BYTES,
  parsePartHead,
  RECORD_MAGIC,
  type RecordProblem,
} from '../../shared/corpus/recordIo.ts';
import type { ForwardReader } from './forwardReader.ts';

const MAX_HEADER_BYTES = IMAGE_HEADER_BYTES + 4 * MAX_LABELS;

/** An image record, seen from outside. */
export interface WalkedRecord {
  readonly status: 'ok';
  /** Where the record begins in the archive, and how long it is there: heads, content, padding. */
  readonly at: number;
  readonly span: number;
  readonly labels: readonly number[];
  /** Bytes of the image after header and labels. */
  readonly imageBytes: number;
}

export interface RecordWalk {
  /** The record that begins at `at`. A problem's `at` is a position in the archive. */
  record(at: number): Promise<WalkedRecord | RecordProblem>;
}

/** A part's content in the archive. */
interface Part {
  readonly at: number;
  readonly length: number;
}

/** Walks what `archive` reads; records in file order cost few reads. */
export function walkRecords(archive: ForwardReader): RecordWalk {
  const bytesAt = (at: number, length: number) => archive.read(at, length);

  /** The first bytes of a record's content, at most `length`; magic words between its parts. */
  async function contentStart(parts: readonly Part[], length: number): Promise<Uint8Array> {
    const [first] = parts as readonly [Part];
    if (parts.length === 1 || first.length >= length)
      return bytesAt(first.at, Math.min(length, first.length));
    const start = new Uint8Array(length);
    let filled = 0;
    for (const [i, part] of parts.entries()) {
      if (i > 0) {
        const magic = new Uint8Array(4);
        new DataView(magic.buffer).setUint32(0, RECORD_MAGIC, true);
        start.set(magic.subarray(0, length - filled), filled);
        filled = Math.min(length, filled + 4);
      }
      start.set(await bytesAt(part.at, Math.min(part.length, length - filled)), filled);
      filled = Math.min(length, filled + part.length);
      if (filled === length) break;
    }
    return start.subarray(0, filled);
  }

  return {
    async record(start) {
      const parts: Part[] = [];
      let at = start;
      for (let continues = true; continues; ) {
        const left = archive.bytes - at;
        if (left < PART_HEAD_BYTES) return cut(`the ${PART_HEAD_BYTES} bytes of a part's head`, left, at);
        const head = parsePartHead(await bytesAt(at, PART_HEAD_BYTES), 0, parts.length === 0);
        if (isBroken(head)) return { ...head, at };
        if (left < head.span) return cut(`a part of ${head.span} bytes`, left, at);
        parts.push({ at: at + PART_HEAD_BYTES, length: head.length });
        at += head.span;
        continues = head.continues;
      }
      const length = parts.reduce((sum, part) => sum + part.length, 4 * (parts.length - 1));
      const header = await imageHeader(parts, length);
      if (isBroken(header)) return { ...header, at: start };
      return {
        status: 'ok',
        at: start,
        span: at - start,
        labels: header.labels,
        imageBytes: length - header.bytes,
      };
    },
  };

  /** Header and labels of a record of `length` bytes. */
  async function imageHeader(parts: readonly Part[], length: number): Promise<ImageHeader | RecordProblem> {
    let start = await contentStart(parts, IMAGE_HEADER_BYTES);
    if (start.length === IMAGE_HEADER_BYTES) {
      const wanted = Math.min(imageHeaderBytes(start), MAX_HEADER_BYTES);
      if (wanted > IMAGE_HEADER_BYTES) start = await contentStart(parts, wanted);
    }
    return parseImageHeader(start, length);
  }
}

function cut(what: string, left: number, at: number): RecordProblem {
  return { status: 'broken', problem: `expected ${what}, found ${left} to the end of the file`, at };
}
