/** Temporary folders that were left behind: when a process is killed outright, nobody removes its own. */
import { lstat, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseJson } from '../parseJson.ts';
import { isAlive } from './isAlive.ts';
import { pidSpace } from './pidSpace.ts';

/** A younger note may be of what is just being started. */
const LEFT_AFTER_MS = 60_000;

/** What a note says beside other things. */
const noteSchema = z.object({
  ownerPid: z.number(),
  /** The server that uses the folder, where there is one. */
  redisPid: z.number().optional(),
  /** Where the numbers are valid. */
  pidSpace: z.string().optional(),
});

/**
 * Removes from `folder` the folders of our own user that begin with `prefix` and whose owner is surely gone, by the note
 * of this name in them.
 */
export async function sweepFolders(folder: string, prefix: string, note: string): Promise<void> {
  // What cannot be listed or removed stays: it is no reason not to run.
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(prefix)) continue;
    const dir = join(folder, name);
    const found = await lstat(dir).catch(() => undefined);
    if (!found?.isDirectory() || found.uid !== process.getuid?.()) continue;
    if (await isLeftBehind(join(dir, note)))
      await rm(dir, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** In doubt false: of a note without a place, of one from another container, of a young one. */
async function isLeftBehind(note: string): Promise<boolean> {
  const text = await readFile(note, 'utf8').catch(() => undefined);
  const noted = await stat(note).catch(() => undefined);
  if (text === undefined || noted === undefined || Date.now() - noted.mtimeMs < LEFT_AFTER_MS) return false;
  const { success, data } = noteSchema.safeParse(parseJson(text));
  if (!success || data.pidSpace !== pidSpace() || isAlive(data.ownerPid)) return false;
  return data.redisPid === undefined || !isAlive(data.redisPid);
}
