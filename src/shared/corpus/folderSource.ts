/** A corpus in a folder: reads never leave it, neither by a path nor by a link. */
import { constants } from 'node:fs';
import { open, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, normalize, sep } from 'node:path';
import {
  type ByteRange,
  type CorpusSource,
  MAX_IMAGE_BYTES,
  type ReadOutcome,
  rejected,
  tooManyBytes,
} from './corpusSource.ts';

/** Files being read at once. */
const READS = 16;

export interface FolderSourceOptions {
  /** Links may lead out of the corpus: for corpora that are made of links. Default: they are rejections. */
  readonly followLinks?: boolean;
}

/** `root` absolute. Nothing is looked at before the first read, and nothing stays open after one. */
export function folderSource(root: string, { followLinks = false }: FolderSourceOptions = {}): CorpusSource {
  return {
    root,
    concurrency: READS,
    async read(uri, range, signal) {
      const inside = insideCorpus(uri);
      if (inside === undefined) {
        return rejected('outside-corpus', `path leaves the corpus [uri=${JSON.stringify(uri)}]`);
      }
      try {
        const real = await realpath(join(root, inside));
        if (!followLinks && !isWithin(root, real) && !isWithin(await realpath(root), real)) {
          return rejected('link-outside-corpus', 'link leads out of the corpus; --follow-links reads it');
        }
        return await readFile(real, range, signal);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === undefined || !UNREADABLE.has(code)) throw error;
        return rejected(code === 'ENOENT' ? 'missing' : 'unreadable', `cannot be read: ${code}`);
      }
    },
    async size(uri) {
      const inside = insideCorpus(uri);
      if (inside === undefined) return undefined;
      try {
        const info = await stat(join(root, inside));
        return info.isFile() ? info.size : undefined;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === undefined || !UNREADABLE.has(code)) throw error;
        return undefined;
      }
    },
    close: async () => {},
  };
}

/** The path below the root; undefined: it leaves the root. */
function insideCorpus(uri: string): string | undefined {
  const path = normalize(uri);
  const leaves = uri.includes('\0') || isAbsolute(path) || path === '..' || path.startsWith(`..${sep}`);
  return leaves ? undefined : path;
}

/** Reads a file without links in its path. */
async function readFile(
  path: string,
  range: ByteRange | undefined,
  signal: AbortSignal,
): Promise<ReadOutcome> {
  // Opening a pipe would wait for somebody to write; and the file may have become a link since it was looked at.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const info = await file.stat();
    if (!info.isFile()) return rejected('not-a-file', 'expected a file, found a folder, a pipe or a device');
    if (range === undefined && info.size > MAX_IMAGE_BYTES) return tooManyBytes(info.size);
    const { start, end } = range ?? { start: 0, end: info.size };
    if (end > info.size) {
      return rejected('beyond-end', `expected bytes ${start}–${end}, found a file of ${info.size} bytes`);
    }
    signal.throwIfAborted();
    // Its own ArrayBuffer, so that it can be handed to a thread without a copy.
    const bytes = new Uint8Array(end - start);
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    if (filled < bytes.length) return rejected('shrank', `expected ${bytes.length} bytes, found ${filled}`);
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
