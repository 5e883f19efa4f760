/** A file as hyparquet reads it: by ranges, none of which leaves the file. */
import type { AsyncBuffer } from 'hyparquet';

/** `read`: bytes [start, end) of the `bytes` of the file. */
export function parquetBuffer(
  bytes: number,
  read: (start: number, end: number) => Promise<Uint8Array | undefined>,
): AsyncBuffer {
  async function slice(start: number, end: number): Promise<ArrayBuffer> {
    // Offsets come from the file: a damaged one must not ask for a terabyte.
    if (!(start >= 0 && end >= start && end <= bytes)) {
      throw new Error(`the file points at bytes ${start}–${end} of its ${bytes}`);
    }
    const found = await read(start, end);
    if (found?.byteLength !== end - start) {
      throw new Error(`expected ${end - start} bytes from ${start}, found ${found?.byteLength ?? 'no file'}`);
    }
    return found.buffer.slice(found.byteOffset, found.byteOffset + found.byteLength) as ArrayBuffer;
  }
  return {
    byteLength: bytes,
    slice(start, end = bytes) {
      const reading = slice(start, end);
      // The reader asks for several ranges ahead and may give up before it awaits them all: a failure that nobody
      // awaits any more must not end the process.
      reading.catch(() => {});
      return reading;
    },
  };
}
