import { constants, type Stats } from 'node:fs';
import { access, lstat, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError } from '../errors.ts';
import { errorCode, ignore, isForbidden, notReadable } from './systemErrors.ts';

/** The nearest thing that exists on the way to the folder must be a folder, and writable. */
export async function checkFolder(root: string, wanted: 'read' | 'write'): Promise<void> {
  for (let path = root; ; path = dirname(path)) {
    const found = await statFolder(path, root);
    if (found === undefined) continue;
    if (!found.isDirectory()) {
      const facts = { folder: root, found: path };
      throw new ConfigError('not-a-folder', 'expected a folder or s3://bucket/prefix, found a file', facts);
    }
    if (wanted === 'read') return;
    try {
      return await access(path, constants.W_OK | constants.X_OK);
    } catch (error) {
      throw new ConfigError('not-writable', 'folder cannot be written to', { folder: path }, error);
    }
  }
}

/**
 * Undefined: there is nothing. What cannot be a path at all (too long, links in circles, NUL) is the user's mistake.
 */
async function statFolder(path: string, root: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (isForbidden(error)) throw notReadable('output folder')(error);
    const isMissing = ['ENOENT', 'ENOTDIR'].includes(errorCode(error));
    // A link to nothing is in the way of the folder that would be made.
    if (isMissing && !(await isLink(path))) return undefined;
    const facts = { folder: root, code: errorCode(error) };
    throw new ConfigError(
      'not-a-folder',
      'expected a folder or s3://bucket/prefix, found no usable path',
      facts,
    );
  }
}

export async function isLink(path: string): Promise<boolean> {
  const info = await lstat(path).catch(ignore('ENOENT', 'ENOTDIR'));
  return info?.isSymbolicLink() === true;
}
