/** A photograph that the command line names, looked at before anything is made of any of them. */
import { access, constants, stat } from 'node:fs/promises';
import { ConfigError } from '../shared/errors.ts';

/** Its size in bytes. @throws ConfigError when it cannot be read. */
export async function photoBytes(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new Error('expected a file, found a folder');
    await access(path, constants.R_OK);
    return found.size;
  } catch (error) {
    throw new ConfigError('no-photo', 'cannot read photograph', { path }, error);
  }
}
