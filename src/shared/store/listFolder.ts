import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectInfo } from './objectStore.ts';
import { checkKey, compareKeys, RESERVED_SEGMENT } from './storeKey.ts';
import { ignore, notReadable } from './systemErrors.ts';

/** Files looked at at once while listing. */
const LIST_BATCH = 64;

/**
 * The objects of a folder whose keys begin with the prefix. Depth first, names of a folder compared as `name/`, which
 * is the byte order of whole keys.
 */
export async function* listFolder(
  root: string,
  prefix: string,
  signal?: AbortSignal,
): AsyncIterable<ObjectInfo> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  if (folder !== '') checkKey(folder.slice(0, -1));
  yield* walk(folder);

  async function* walk(at: string): AsyncIterable<ObjectInfo> {
    signal?.throwIfAborted();
    const entries = await readdir(join(root, at), { withFileTypes: true })
      .catch(ignore('ENOENT', 'ENOTDIR'))
      .catch(notReadable('output folder'));
    const keys = (entries ?? [])
      .filter(
        (entry) => (entry.isFile() || entry.isDirectory()) && !(at === '' && entry.name === RESERVED_SEGMENT),
      )
      .map((entry) => at + entry.name + (entry.isDirectory() ? '/' : ''))
      .filter((key) => key.startsWith(prefix) || prefix.startsWith(key))
      .sort(compareKeys);
    for (let i = 0; i < keys.length; i += LIST_BATCH) {
      const batch = keys.slice(i, i + LIST_BATCH);
      const infos = await Promise.all(
        batch.map((key) => (key.endsWith('/') ? undefined : statFile(root, key))),
      );
      for (const [j, key] of batch.entries()) {
        const info = infos[j];
        if (key.endsWith('/')) yield* walk(key);
        else if (info !== undefined) yield info;
      }
    }
  }
}

async function statFile(root: string, key: string): Promise<ObjectInfo | undefined> {
  const info = await stat(join(root, key)).catch(ignore('ENOENT')).catch(notReadable('output folder'));
  return info === undefined ? undefined : { key, bytes: info.size };
}
