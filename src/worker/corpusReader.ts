/** Reads the bytes of a listed photograph. A photograph that cannot be read is a rejection, not an exception. */
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { isAbsolute, join, normalize, sep } from 'node:path';
import type { Rejection } from '../shared/face.ts';

/** Larger files are refused before they are read: no photograph of a face needs more. */
const MAX_IMAGE_BYTES = 256 * 2 ** 20;

export type ReadOutcome =
  | { readonly status: 'ok'; readonly bytes: Uint8Array }
  | { readonly status: 'rejected'; readonly rejection: Rejection };

export interface ReadImageOptions {
  /** Links may lead out of the corpus: for corpora that are made of links. Default: they are rejections. */
  readonly followLinks?: boolean;
}

/** `uri` is relative to `imageRoot` and may not leave it. */
export async function readImage(
  imageRoot: string,
  uri: string,
  signal: AbortSignal,
  { followLinks = false }: ReadImageOptions = {},
): Promise<ReadOutcome> {
  const relative = normalize(uri);
  if (uri.includes('\0') || isAbsolute(relative) || relative === '..' || relative.startsWith(`..${sep}`)) {
    return rejected('outside-corpus', `path leaves the corpus [uri=${JSON.stringify(uri)}]`);
  }
  try {
    const real = await realpath(join(imageRoot, relative));
    if (!followLinks && !isWithin(imageRoot, real) && !isWithin(await realpath(imageRoot), real)) {
      return rejected('link-outside-corpus', 'link leads out of the corpus; --follow-links reads it');
    }
    return await readFile(real, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !UNREADABLE.has(code)) throw error;
    return rejected(code === 'ENOENT' ? 'missing' : 'unreadable', `cannot be read: ${code}`);
  }
}

/** Reads a file without links in its path. */
async function readFile(path: string, signal: AbortSignal): Promise<ReadOutcome> {
  // Opening a pipe would wait for somebody to write; and the file may have become a link since it was looked at.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const info = await file.stat();
    if (!info.isFile()) return rejected('not-a-file', 'expected a file, found a folder, a pipe or a device');
    const { size } = info;
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
}

function isWithin(folder: string, path: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** What is wrong with this one file, as against the disk or the mount, which fail the shard. */
const UNREADABLE = new Set([
  'ENOENT',
  'EACCES',
  'EPERM',
  'EISDIR',
  'ENOTDIR',
  'ELOOP',
  'ENAMETOOLONG',
  'ENXIO',
]);

function rejected(code: string, message: string): ReadOutcome {
  return { status: 'rejected', rejection: { stage: 'read', code, message } };
}
