/** Folders of pulls under way, inside the cache so that publishing is one rename. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../shared/errors.ts';
import { cacheRoot } from './cache.ts';

/** A pull that takes a day is not alive. */
const STALE_MS = 24 * 3600_000;

/** An empty folder for one pull, which the caller removes. What killed processes left is removed on the way. */
export async function makeWorkFolder(): Promise<string> {
  const parent = join(cacheRoot(), 'tmp');
  const folder = join(parent, `${hostname()}-${process.pid}-${randomUUID()}`);
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new ConfigError('bad-cache', 'cannot write the model cache', { cache: cacheRoot() }, error);
  }
  for (const name of await readdir(parent)) {
    if (await isStale(parent, name)) await rm(join(parent, name), { recursive: true, force: true });
  }
  return folder;
}

async function isStale(parent: string, name: string): Promise<boolean> {
  const [pid] = name.slice(hostname().length + 1).split('-', 1);
  if (name.startsWith(`${hostname()}-`) && !isRunning(Number(pid))) return true;
  const found = await stat(join(parent, name)).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > STALE_MS;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
