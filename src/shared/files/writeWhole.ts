import { rename, writeFile } from 'node:fs/promises';

/**
 * Writes a file whole or not at all: under another name first (`path` with `.partial` after it), so that an
 * interruption leaves what was there before.
 *
 * @throws the file system's error.
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const partial = `${path}.partial`;
  await writeFile(partial, content);
  await rename(partial, path);
}
