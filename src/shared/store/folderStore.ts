/**
 * A store in a folder. An object is written under a temporary name on the same filesystem, flushed to the disk, and
 * then renamed (put) or hard-linked (putIfAbsent) to its place, so that nobody ever sees half an object, also after
 * a power cut. Nothing is created before the first write.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, lstat, open, readdir, rename, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ConfigError, IntegrityError, PosecastError, StoreUnusableError } from '../errors.ts';
import { makeFolder } from '../files/makeFolder.ts';
import { checkFolder, isLink } from './checkFolder.ts';
import { listFolder } from './listFolder.ts';
import type { ObjectBody } from './objectBody.ts';
import { MAX_WHOLE_BYTES, type ObjectStore } from './objectStore.ts';
import { checkKey, RESERVED_SEGMENT } from './storeKey.ts';
import { errorCode, ignore, notReadable } from './systemErrors.ts';
import { writeFlushed } from './writeFlushed.ts';

/** Temporary files older than this were left by a process that died. */
const STALE_TEMPORARY_MS = 24 * 3600 * 1000;

/** Opens the folder; it need not exist yet. ConfigError when it cannot be one, or cannot be read or written to. */
export async function openFolderStore(
  folder: string,
  wanted: 'read' | 'write' = 'write',
): Promise<ObjectStore> {
  const root = resolve(folder);
  await checkFolder(root, wanted);
  const temporaries = join(root, RESERVED_SEGMENT);
  // The first look into the folder.
  if (await isLink(temporaries).catch(notReadable('output folder', root))) {
    throw new ConfigError('link-in-store', 'output folder: expected a folder of its own, found a link', {
      path: temporaries,
    });
  }
  if (wanted === 'write') await removeStaleTemporaries(temporaries);

  async function writeTemporary(body: ObjectBody, signal: AbortSignal | undefined): Promise<string> {
    const path = join(temporaries, randomUUID());
    const file = await openNew(path, temporaries);
    try {
      await writeFlushed(file, body, signal);
    } catch (error) {
      await file.close();
      await unlink(path);
      throw error;
    }
    await file.close();
    return path;
  }

  /** Says what is wrong with the place when it is the place that fails, and not this one object. */
  function written<Rest extends unknown[], T>(
    write: (key: string, ...rest: Rest) => Promise<T>,
  ): (key: string, ...rest: Rest) => Promise<T> {
    return (key, ...rest) =>
      write(key, ...rest).catch((error: unknown) => {
        throw placeFailure(root, key, error);
      });
  }

  /** Says that the user may not read the file, in place of the system's word for it. */
  function asked<Rest extends unknown[], T>(
    ask: (...rest: Rest) => Promise<T>,
  ): (...rest: Rest) => Promise<T> {
    return (...rest) => ask(...rest).catch(notReadable('output folder'));
  }

  /** The key's path. Links inside the folder are not gone through: they lead to what is not the run's. */
  async function pathOf(key: string): Promise<string> {
    const segments = checkKey(key).split('/');
    for (let depth = 1; depth < segments.length; depth++) {
      const folder = join(root, ...segments.slice(0, depth));
      if (await isLink(folder)) throw linkInStore(folder);
    }
    return join(root, key);
  }

  /** Gives the temporary file its name; the folder for it is there nearly always. */
  async function place<T>(key: string, put: (path: string) => Promise<T>): Promise<T> {
    const path = await pathOf(key);
    try {
      return await put(path);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      await makeFolder(dirname(path));
      return await put(path);
    }
  }

  return {
    uri: root,
    atomicPutIfAbsent: true,

    put: written(async (key, body, signal) => {
      checkKey(key);
      const temporary = await writeTemporary(body, signal);
      try {
        await place(key, async (path) => {
          await rename(temporary, path);
          await syncFolder(dirname(path));
        });
      } catch (error) {
        await unlink(temporary).catch(ignore('ENOENT'));
        throw error;
      }
    }),

    putIfAbsent: written(async (key, body, signal) => {
      checkKey(key);
      const temporary = await writeTemporary(body, signal);
      try {
        return await place(key, async (path) => {
          if (!(await linkIfAbsent(temporary, path))) return false;
          await syncFolder(dirname(path));
          return true;
        });
      } finally {
        await unlink(temporary);
      }
    }),

    get: asked(async (key, range, signal) => {
      const path = await pathOf(key);
      // Opening a pipe would wait for ever for somebody to write.
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      const file = await open(path, flags).catch((error) => {
        if (errorCode(error) === 'ELOOP') throw linkInStore(path);
        // A socket.
        if (errorCode(error) === 'ENXIO') throw notAFile(path);
        return ignore('ENOENT', 'ENOTDIR')(error);
      });
      if (file === undefined) return undefined;
      try {
        const info = await file.stat();
        if (!info.isFile()) throw notAFile(path);
        if (info.size > MAX_WHOLE_BYTES && range === undefined) {
          throw new IntegrityError('too-large', `store: expected at most ${MAX_WHOLE_BYTES} bytes`, {
            path,
            bytes: info.size,
          });
        }
        signal?.throwIfAborted();
        const { start, end } = range ?? { start: 0, end: info.size };
        return await readRange(file, start, end, key);
      } finally {
        await file.close();
      }
    }),

    head: asked(async (key) => {
      const info = await lstat(await pathOf(key)).catch(ignore('ENOENT', 'ENOTDIR'));
      return info?.isFile() ? { key, bytes: info.size } : undefined;
    }),

    list: (prefix, signal) => listFolder(root, prefix, signal),

    delete: written(async (key) => {
      await unlink(await pathOf(key)).catch(ignore('ENOENT', 'ENOTDIR'));
    }),

    async close() {
      if (wanted === 'read') return;
      // Stays when another process is writing, and where the place has become read-only; a later close takes it away.
      await rmdir(temporaries).catch(ignore('ENOENT', 'ENOTEMPTY', 'EEXIST', 'EROFS', 'EACCES', 'EPERM'));
    },
  };
}

/** What nobody but the user can put right. */
const PLACE_FAILURES: Readonly<Record<string, readonly [code: string, message: string]>> = {
  ENOSPC: ['disk-full', 'output folder: expected room on the disk, found it full'],
  EDQUOT: ['disk-full', 'output folder: expected room in the quota, found it used up'],
  EROFS: ['not-writable', 'output folder: expected to write, found it read-only'],
  EACCES: ['not-writable', 'output folder: expected to write, found it forbidden'],
  EPERM: ['not-writable', 'output folder: expected to write, found it forbidden'],
  EIO: ['disk-broken', 'output folder: expected a disk that works, found input/output errors'],
};

function placeFailure(folder: string, key: string, error: unknown): unknown {
  const failure = PLACE_FAILURES[errorCode(error)];
  if (failure === undefined || error instanceof PosecastError) return error;
  return new StoreUnusableError(failure[0], failure[1], { folder, key }, error);
}

function notAFile(path: string): IntegrityError {
  return new IntegrityError('not-a-file', 'store: expected a file, found something else', { path });
}

function linkInStore(path: string): IntegrityError {
  return new IntegrityError('link-in-store', 'store: expected no links inside the folder, found one', {
    path,
  });
}

/** Creates a file in a folder that another process's close may remove at any moment. */
async function openNew(path: string, folder: string): Promise<FileHandle> {
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY;
  let failure: unknown;
  for (let attempt = 0; attempt < 20; attempt++) {
    const file = await open(path, flags).catch(ignore('ENOENT'));
    if (file !== undefined) return file;
    failure = await makeFolder(folder).catch((error: unknown) => error);
  }
  if (failure !== undefined) throw failure;
  throw new PosecastError('cannot-write', 'temporary folder disappears while it is used', { folder });
}

/** False: the path is taken. */
async function linkIfAbsent(from: string, path: string): Promise<boolean> {
  try {
    await link(from, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errorCode(error))) {
      throw new ConfigError(
        'no-hard-links',
        'output must be on a filesystem with hard links',
        { path },
        error,
      );
    }
    throw error;
  }
}

async function readRange(file: FileHandle, start: number, end: number, key: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(0, end - start));
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) {
      throw new PosecastError('bad-range', 'range ends behind the object', {
        key,
        start,
        end,
        bytes: start + filled,
      });
    }
    filled += bytesRead;
  }
  return bytes;
}

async function removeStaleTemporaries(folder: string): Promise<void> {
  for (const name of (await readdir(folder).catch(ignore('ENOENT', 'ENOTDIR'))) ?? []) {
    const path = join(folder, name);
    const info = await stat(path).catch(ignore('ENOENT'));
    if (info !== undefined && Date.now() - info.mtimeMs > STALE_TEMPORARY_MS)
      await unlink(path).catch(ignore('ENOENT'));
  }
}

/** Makes a rename or link durable. Some filesystems cannot flush a folder; they order it themselves. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync().catch(ignore('EINVAL', 'EPERM', 'ENOTSUP'));
  } finally {
    await handle.close();
  }
}
