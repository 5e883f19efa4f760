/** A digest of the code that makes crops and renders: a cache made by other code must not be believed. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const FOLDERS = [
  '../../shared/picture/',
  '../../worker/stages/',
  '../../worker/models/',
  '../../training/',
] as const;
const FILES = ['../../worker/facePipeline.js', './turnedPictures.js'] as const;

/** sha256 over the compiled files, hex. */
export async function pipelineCodeDigest(): Promise<string> {
  const hash = createHash('sha256');
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  const inFolders = await Promise.all(
    FOLDERS.map(async (folder) =>
      (await readdir(here(folder))).filter((name) => name.endsWith('.js')).map((name) => here(folder + name)),
    ),
  );
  for (const path of [...inFolders.flat().sort(), ...FILES.map(here)]) hash.update(await readFile(path));
  return hash.digest('hex');
}
