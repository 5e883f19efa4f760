/** Published model files that the user already has: `--from FILE` and `--from FOLDER`. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ConfigError } from '../shared/errors.ts';
import type { ModelEntry, ModelFile } from './registryEntry.ts';
import { hashFile, readLocal } from './sources.ts';

/** Folders deeper than this and files beyond this many are not looked at by `--from FOLDER`. */
const MAX_DEPTH = 6;
const MAX_FILES = 10_000;

/** The role's file at `from`: that file, or in that folder the one with the checksum, else with the name. */
export async function readFrom(
  from: string,
  entry: ModelEntry,
  role: string,
  file: ModelFile,
): Promise<Uint8Array> {
  const found = await stat(from).catch(() => undefined);
  if (found === undefined) throw new ConfigError('no-such-file', 'expected a file or folder', { from });
  if (!found.isDirectory()) {
    if (Object.keys(entry.files).length > 1) {
      throw new ConfigError('bad-from', `expected a folder, because ${entry.name} has several files`, {
        from,
      });
    }
    return await readLocal(from);
  }
  const candidates = (await listFiles(from, MAX_DEPTH)).filter((path) => /\.(onnx|tflite)$/i.test(path));
  const published = basename(file.source.split('#').at(-1) ?? '');
  const named = candidates.find((path) => [published, `${role}.${file.format}`].includes(basename(path)));
  if (file.sha256 !== null) {
    const ordered =
      named === undefined ? candidates : [named, ...candidates.filter((path) => path !== named)];
    for (const path of ordered) if ((await hashFile(path)) === file.sha256) return await readLocal(path);
  }
  if (named !== undefined) return await readLocal(named);
  throw new ConfigError('no-such-file', `expected ${published} in the folder, found no such file`, {
    from,
    sha256: file.sha256 ?? undefined,
  });
}

async function listFiles(folder: string, depth: number): Promise<string[]> {
  const found: string[] = [];
  for (const item of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, item.name);
    // Files may be links: those in the snapshots of a Hugging Face cache are. Linked folders could lead back here.
    if (item.isFile() || (item.isSymbolicLink() && (await isFile(path)))) found.push(path);
    else if (item.isDirectory() && depth > 0) found.push(...(await listFiles(path, depth - 1)));
    if (found.length > MAX_FILES) break;
  }
  return found.sort();
}

/** Follows links; one that leads nowhere is no file. */
async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}
