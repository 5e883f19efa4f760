/** Writing a file so that it is on the disk when it is said to be. */
import type { FileHandle } from 'node:fs/promises';
import { cutBody, type ObjectBody } from './objectBody.ts';

/**
 * Written with one call of the system, in bytes; a signal is looked at between two. With 4 MiB Linux (6.18, ext4) looks
 * for so large pages of memory that 260 MB cost it up to 380 ms of a core instead of 100.
 */
const WRITE_BYTES = 512 * 2 ** 10;
/**
 * So much is written before the disk is told to begin, in bytes: it works while the rest is copied to the system, and
 * what the last flush waits for is small.
 */
const FLUSH_BYTES = 8 * 2 ** 20;

/** Writes a body from the file's position on and flushes it. Throws when anything fails; the file is useless then. */
export async function writeFlushed(file: FileHandle, body: ObjectBody, signal?: AbortSignal): Promise<void> {
  let unflushed = 0;
  let flushing: Promise<void> | undefined;
  // A failed flush is told once, to whoever asked for it: it must end the write even when the last flush succeeds.
  let failure: { readonly error: unknown } | undefined;
  const flush = async (): Promise<void> => {
    try {
      await file.datasync();
    } catch (error) {
      failure ??= { error };
    }
    flushing = undefined;
  };
  try {
    for (const piece of cutBody(body, WRITE_BYTES)) {
      signal?.throwIfAborted();
      for (let at = 0; at < piece.length; ) at += (await file.write(piece, at)).bytesWritten;
      unflushed += piece.length;
      if (unflushed < FLUSH_BYTES || flushing !== undefined) continue;
      unflushed = 0;
      flushing = flush();
    }
    signal?.throwIfAborted();
  } finally {
    // The file is closed by whoever opened it, and must not be closed under a flush.
    await flushing;
  }
  if (failure !== undefined) throw failure.error;
  await file.sync();
}
