/**
 * Reads small pieces of a large object front to back: the headers of an archive, without its images. Over a network a
 * request costs as much as a megabyte: where the pieces lie close together, everything between them is read in large
 * windows; where they lie far apart, each is asked for alone.
 */

import type { SourceFile } from '../../shared/corpus/corpusSource.ts';
import { PosecastError } from '../../shared/errors.ts';

/** Bytes of a window, and the distance of pieces up to which the large one pays. */
const NEAR = { small: 4 * 2 ** 10, large: 64 * 2 ** 10, distance: 8 * 2 ** 10 };
const FAR = { small: 64 * 2 ** 10, large: 8 * 2 ** 20, distance: 2 ** 20 };

/** How much the last distance counts for the average one. */
const NEWEST = 1 / 8;

export interface ForwardReader {
  readonly bytes: number;
  /** Exactly these bytes, valid until the next call. Throws a RangeError when they lie outside the object. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export function openForwardReader(file: SourceFile, signal: AbortSignal): ForwardReader {
  const { small, large, distance } = file.far ? FAR : NEAR;
  let window: Uint8Array = new Uint8Array(0);
  let start = 0;
  let last = 0;
  // At the start nothing is known: the small window.
  let stride = distance + 1;

  return {
    bytes: file.bytes,
    async read(offset, length) {
      const end = offset + length;
      if (!(offset >= 0 && length >= 0 && end <= file.bytes)) {
        throw new RangeError(`bytes ${offset}–${end} of an object of ${file.bytes}`);
      }
      if (offset > last) stride += (offset - last - stride) * NEWEST;
      last = offset;
      if (offset < start || end > start + window.length) {
        const ahead = Math.max(length, stride <= distance ? large : small);
        const to = Math.min(file.bytes, offset + ahead);
        window = await file.read({ start: offset, end: to }, signal);
        if (window.length !== to - offset) {
          throw new PosecastError('shrank', 'corpus: object has become shorter while it was read', {
            file: file.uri,
          });
        }
        start = offset;
      }
      return window.subarray(offset - start, end - start);
    },
  };
}
