/**
 * Reads small pieces of a large object front to back: the headers of an archive, without its images. Over a network a
 * request costs as much as a megabyte: where the pieces lie close together, everything between them is read in large
 * windows, the next ones while this one is looked at; where they lie far apart, each is asked for alone.
 */

import type { SourceFile } from '../../shared/corpus/corpusSource.ts';
import { PosecastError } from '../../shared/errors.ts';

/**
 * Bytes of a window, the distance of pieces up to which the large one pays, and large windows that are asked for before
 * they are needed. Memory: `large` × (1 + `ahead`).
 */
const NEAR = { small: 4 * 2 ** 10, large: 64 * 2 ** 10, distance: 8 * 2 ** 10, ahead: 0 };
const FAR = { small: 64 * 2 ** 10, large: 4 * 2 ** 20, distance: 2 ** 20, ahead: 2 };

/** How much the last distance counts for the average one. */
const NEWEST = 1 / 8;

export interface ForwardReader {
  readonly bytes: number;
  /** Exactly these bytes, valid until the next call. Throws a RangeError when they lie outside the object. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Bytes [start, end), read or being read. */
interface Window {
  readonly start: number;
  readonly end: number;
  readonly bytes: Promise<Uint8Array>;
  /** Of one that is asked for before it is needed. */
  readonly stop: AbortController | undefined;
}

export function openForwardReader(file: SourceFile, signal: AbortSignal): ForwardReader {
  const { small, large, distance, ahead } = file.far ? FAR : NEAR;
  /** One after another without a gap; the first is the one that is looked at. */
  let windows: Window[] = [];
  let last = 0;
  // At the start nothing is known: the small window.
  let stride = distance + 1;
  /** A large window was followed by another: the pieces between are no short look. */
  let goesOn = false;

  function ask(start: number, length: number, isAhead = false): void {
    const end = Math.min(file.bytes, start + length);
    const stop = isAhead ? new AbortController() : undefined;
    const either = stop === undefined ? signal : AbortSignal.any([signal, stop.signal]);
    const bytes = file.read({ start, end }, either);
    // One that is never needed may fail.
    bytes.catch(() => {});
    windows.push({ start, end, bytes, stop });
  }

  function drop(isKept: (window: Window) => boolean): void {
    for (const window of windows) if (!isKept(window)) window.stop?.abort();
    windows = windows.filter(isKept);
  }

  async function bytesOf({ start, end, bytes }: Window): Promise<Uint8Array> {
    const found = await bytes;
    if (found.length === end - start) return found;
    throw new PosecastError('shrank', 'corpus: object has become shorter while it was read', {
      file: file.uri,
    });
  }

  return {
    bytes: file.bytes,
    async read(offset, length) {
      const end = offset + length;
      if (!(offset >= 0 && length >= 0 && end <= file.bytes)) {
        throw new RangeError(`bytes ${offset}–${end} of an object of ${file.bytes}`);
      }
      if (length === 0) return new Uint8Array(0);
      if (offset > last) stride += (offset - last - stride) * NEWEST;
      last = offset;
      const size = stride <= distance ? large : small;
      const before = windows.at(-1);
      drop((window) => window.end > offset);
      if (windows[0] === undefined || windows[0].start > offset) {
        drop(() => false);
        goesOn =
          before !== undefined &&
          before.end - before.start > small &&
          offset >= before.start &&
          offset - before.end <= distance;
        ask(offset, Math.max(length, size));
      }
      const most = goesOn && size === large ? 1 + ahead : 1;
      for (let next = windows.at(-1)!.end; next < file.bytes; next = windows.at(-1)!.end) {
        if (next >= end && windows.length >= most) break;
        ask(next, Math.max(end - next, size), next >= end);
      }
      const [first, ...others] = windows as [Window, ...Window[]];
      const head = await bytesOf(first);
      if (end <= first.end) return head.subarray(offset - first.start, end - first.start);
      const joined = new Uint8Array(length);
      joined.set(head.subarray(offset - first.start));
      for (const window of others) {
        if (window.start >= end) break;
        const bytes = await bytesOf(window);
        joined.set(bytes.subarray(0, end - window.start), window.start - offset);
      }
      return joined;
    },
  };
}
