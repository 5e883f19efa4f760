/** `--out` of the commands that leave files in a folder of their own: a folder, or nothing yet. */
import { mkdir, readdir } from 'node:fs/promises';
import { ConfigError } from '../shared/errors.ts';

/** What lies in it; asked before any work. @throws ConfigError for what is no folder, or cannot be looked into. */
export async function entriesOfOut(out: string): Promise<readonly string[]> {
  try {
    return await readdir(out);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw badOut(out, error);
  }
}

/** @throws ConfigError when it cannot be made. */
export async function makeOut(out: string): Promise<void> {
  await mkdir(out, { recursive: true }).catch((error: unknown) => {
    throw badOut(out, error);
  });
}

function badOut(path: string, cause: unknown): ConfigError {
  return new ConfigError('bad-out', '--out: expected a folder, or nothing yet', { path }, cause);
}
