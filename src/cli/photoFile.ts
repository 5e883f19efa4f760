/** Photographs that the command line names. All are looked at before anything is made of any of them. */
import { access, constants, readFile, stat } from 'node:fs/promises';
import { ConfigError } from '../shared/errors.ts';

/** Size of a photograph in bytes. @throws ConfigError when it cannot be read. */
export async function photoSize(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new Error('expected a file, found a folder');
    await access(path, constants.R_OK);
    return found.size;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** @throws ConfigError when it cannot be read. */
export async function readPhoto(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

const unreadable = (path: string, cause: unknown) =>
  new ConfigError('no-photo', 'cannot read photograph', { path }, cause);
