/**
 * Checksums of model files on this machine for which the registry states none: they are computed from the files as they
 * are now. A model that is trained further and saved in the same place is thereby another model, with its own folder in
 * the cache.
 */
import { stat } from 'node:fs/promises';
import { readPin, replacePin } from './pins.ts';
import type { ModelEntry, ModelFile } from './registryEntry.ts';
import { hashFile } from './sources.ts';

export interface LocalChecksums {
  /**
   * With the checksums of the files as they are, or, where they cannot be read, as they were when they were last
   * pulled.
   */
  readonly entry: ModelEntry;
  /** The files that are others than at the last pull. */
  readonly changed: readonly ChangedFile[];
}

export interface ChangedFile {
  readonly source: string;
  readonly pinned: string;
  readonly found: string;
}

/** Whether a file's checksum is the one it has when it is read. */
export function isUncheckedLocal({ source, sha256 }: ModelFile): boolean {
  return sha256 === null && source.startsWith('file:');
}

export async function withLocalChecksums(entry: ModelEntry): Promise<LocalChecksums> {
  const changed: ChangedFile[] = [];
  const files: [string, ModelFile][] = [];
  for (const [role, file] of Object.entries(entry.files)) {
    if (!isUncheckedLocal(file)) {
      files.push([role, file]);
      continue;
    }
    // A pin that cannot be read is written anew with the next pull.
    const pinned = await readPin(file.source).catch(() => undefined);
    const found = (await hashLocal(file)) ?? pinned;
    if (pinned !== undefined && found !== undefined && found !== pinned) {
      changed.push({ source: file.source, pinned, found });
    }
    files.push([role, { ...file, sha256: found ?? null }]);
  }
  return { entry: { ...entry, files: Object.fromEntries(files) }, changed };
}

/**
 * Whether the file of a source that is checked by what it is can be read here: it is then what is meant by the entry.
 */
export async function isReadableLocal(file: ModelFile): Promise<boolean> {
  return isUncheckedLocal(file) && (await hashLocal(file)) !== undefined;
}

/** Undefined: there is no file, or not one that this user may read. */
async function hashLocal({ source }: ModelFile): Promise<string | undefined> {
  const path = source.slice('file:'.length);
  const isThere = (await stat(path).catch(() => undefined))?.isFile() === true;
  return isThere ? hashFile(path).catch(() => undefined) : undefined;
}

/** From here on the files are expected to be what they are now. */
export async function acceptChanged(changed: readonly ChangedFile[]): Promise<void> {
  for (const { source, found } of changed) await replacePin(source, found);
}

export function describeChanged(changed: readonly ChangedFile[]): string {
  return changed
    .map(
      ({ source, pinned, found }) =>
        `${source} is another file than at the last pull: expected sha256 ${pinned}, found ${found}`,
    )
    .join('; ');
}
