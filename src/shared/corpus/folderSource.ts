/** A corpus in a folder: reads never leave it, neither by a path nor by a link. */
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, realpath } from 'node:fs/promises';
import { isAbsolute, join, normalize, sep } from 'node:path';
import { PosecastError } from '../errors.ts';
import { compareUtf8 } from '../listing/listingOrder.ts';
import { notReadable } from '../store/systemErrors.ts';
import {
  type ByteRange,
  type CorpusSource,
  cannotOpen,
  type HasRoom,
  type ReadOutcome,
  type Rejected,
  refusedSize,
  rejected,
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
    async read(uri, range, signal, hasRoom) {
      const found = await openInside(root, uri, followLinks);
      if ('rejection' in found) return found;
      try {
        return await readFrom(found.file, found.bytes, range, signal, hasRoom);
      } finally {
        await found.file.close();
      }
    },
    async open(uri) {
      const found = await openInside(root, uri, followLinks);
      if ('rejection' in found) throw cannotOpen(root, uri, found.rejection);
      const { file, bytes } = found;
      return {
        uri,
        bytes,
        far: false,
        async read({ start, end }, signal) {
          signal.throwIfAborted();
          const piece = new Uint8Array(end - start);
          const filled = await fill(file, piece, start);
          if (filled === piece.length) return piece;
          throw new PosecastError('shrank', 'corpus: file has become shorter while it was read', {
            root,
            file: uri,
            expected: end,
            bytes: start + filled,
          });
        },
        close: () => file.close(),
      };
    },
    async fileNames() {
      const entries = await readdir(root, { withFileTypes: true }).catch(notReadable('corpus', root));
      const files = entries.filter((entry) => entry.isFile() || entry.isSymbolicLink());
      return files.map(({ name }) => name).sort(compareUtf8);
    },
    close: async () => {},
  };
}

interface Opened {
  readonly file: FileHandle;
  readonly bytes: number;
}

/** A file of the corpus, or why it is none: it leaves the corpus by its path or by a link, or cannot be opened. */
async function openInside(root: string, uri: string, followLinks: boolean): Promise<Opened | Rejected> {
  const inside = insideCorpus(uri);
  if (inside === undefined) {
    return rejected('outside-corpus', `path leaves the corpus [uri=${JSON.stringify(uri)}]`);
  }
  try {
    const real = await realpath(join(root, inside));
    if (!followLinks && !isWithin(root, real) && !isWithin(await realpath(root), real)) {
      return rejected('link-outside-corpus', 'link leads out of the corpus; --follow-links reads it');
    }
    // Opening a pipe would wait for somebody to write; and the file may have become a link since it was looked at.
    const file = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const info = await file.stat().catch(async (error: unknown) => {
      await file.close();
      throw error;
    });
    if (info.isFile()) return { file, bytes: info.size };
    await file.close();
    return rejected('not-a-file', 'expected a file, found a folder, a pipe or a device');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !UNREADABLE.has(code)) throw error;
    return rejected(code === 'ENOENT' ? 'missing' : 'unreadable', `cannot be read: ${code}`);
  }
}

/** The path below the root; undefined: it leaves the root. */
function insideCorpus(uri: string): string | undefined {
  const path = normalize(uri);
  const leaves = uri.includes('\0') || isAbsolute(path) || path === '..' || path.startsWith(`..${sep}`);
  return leaves ? undefined : path;
}

async function readFrom(
  file: FileHandle,
  size: number,
  range: ByteRange | undefined,
  signal: AbortSignal,
  hasRoom: HasRoom | undefined,
): Promise<ReadOutcome> {
  const refused = range === undefined ? refusedSize(size, hasRoom) : undefined;
  if (refused !== undefined) return refused;
  const { start, end } = range ?? { start: 0, end: size };
  if (end > size)
    return rejected('beyond-end', `expected bytes ${start}–${end}, found a file of ${size} bytes`);
  signal.throwIfAborted();
  // Its own ArrayBuffer, so that it can be handed to a thread without a copy.
  const bytes = new Uint8Array(end - start);
  const filled = await fill(file, bytes, start);
  if (filled < bytes.length) return rejected('shrank', `expected ${bytes.length} bytes, found ${filled}`);
  return { status: 'ok', bytes };
}

/** Reads until the buffer is full or the file ends; how many bytes came. */
async function fill(file: FileHandle, bytes: Uint8Array, start: number): Promise<number> {
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
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
