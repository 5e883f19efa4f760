/** Folders of pulls under way, inside the cache so that publishing is one rename. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../shared/errors.ts';
import { isAlive } from '../shared/machine/isAlive.ts';
import { cacheRoot } from './cache.ts';

/** A pull that takes a day is not alive. */
const STALE_MS = 24 * 3600_000;

/**
 * An empty folder for one pull, which the caller removes. What killed processes left is removed on the way.
 *
 * @param missing names of the models that are to be pulled, for the message where the cache cannot be written.
 */
export async function makeWorkFolder(missing: readonly string[]): Promise<string> {
  const parent = join(cacheRoot(), 'tmp');
  const folder = join(parent, `${hostname()}-${process.pid}-${randomUUID()}`);
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new ConfigError(
      'bad-cache',
      `expected ${missing.join(', ')} in the model cache, or a cache that can be written: where it can, posecast models pull ${missing.join(' ')}`,
      { cache: cacheRoot() },
      error,
    );
  }
  for (const name of await readdir(parent)) {
    if (await isStale(parent, name)) await rm(join(parent, name), { recursive: true, force: true });
  }
  return folder;
}

async function isStale(parent: string, name: string): Promise<boolean> {
  const [pid] = name.slice(hostname().length + 1).split('-', 1);
  if (name.startsWith(`${hostname()}-`) && !isAlive(Number(pid))) return true;
  const found = await stat(join(parent, name)).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > STALE_MS;
}
