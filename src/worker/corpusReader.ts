/** Reads the bytes of a listed photograph. A photograph that cannot be read is a rejection, not an exception. */
import { open } from 'node:fs/promises';
import { isAbsolute, join, normalize, sep } from 'node:path';
import type { Rejection } from '../shared/face.ts';

/** Larger files are refused before they are read: no photograph of a face needs more. */
const MAX_IMAGE_BYTES = 256 * 2 ** 20;

export type ReadOutcome =
  | { readonly status: 'ok'; readonly bytes: Uint8Array }
  | { readonly status: 'rejected'; readonly rejection: Rejection };

/** `uri` is relative to `imageRoot` and may not leave it. */
export async function readImage(imageRoot: string, uri: string, signal: AbortSignal): Promise<ReadOutcome> {
  const relative = normalize(uri);
  if (uri.includes('\0') || isAbsolute(relative) || relative === '..' || relative.startsWith(`..${sep}`)) {
    return rejected('outside-corpus', `path leaves the corpus [uri=${JSON.stringify(uri)}]`);
  }
  try {
    const file = await open(join(imageRoot, relative), 'r');
    try {
      const { size } = await file.stat();
      if (size > MAX_IMAGE_BYTES) {
        return rejected('too-many-bytes', `expected at most ${MAX_IMAGE_BYTES} bytes, found ${size}`);
      }
      signal.throwIfAborted();
      // Its own ArrayBuffer, so that it can be handed to a thread without a copy.
      const bytes = new Uint8Array(size);
      let filled = 0;
      while (filled < size) {
        const { bytesRead } = await file.read(bytes, filled, size - filled, filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      if (filled < size) return rejected('shrank', `expected ${size} bytes, found ${filled}`);
      return { status: 'ok', bytes };
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !UNREADABLE.has(code)) throw error;
    return rejected(code === 'ENOENT' ? 'missing' : 'unreadable', `cannot be read: ${code}`);
  }
}

/** What is wrong with this one file, as against the disk or the mount, which fail the shard. */
const UNREADABLE = new Set(['ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']);

function rejected(code: string, message: string): ReadOutcome {
  return { status: 'rejected', rejection: { stage: 'read', code, message } };
}
