/** Folders that runs have left: when a run is killed outright, nobody removes that of its Redis. */
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isLeftBehind } from '../shared/redis/redisServer.ts';

export const REDIS_FOLDER = 'posecast-redis-';

/** Removes from `folder` those of our own user whose owner and server are surely gone. */
export async function sweepRedisFolders(folder: string): Promise<void> {
  // What cannot be listed or removed stays: it is no reason not to run.
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(REDIS_FOLDER)) continue;
    const dir = join(folder, name);
    const found = await lstat(dir).catch(() => undefined);
    if (!found?.isDirectory() || found.uid !== process.getuid?.()) continue;
    if (await isLeftBehind(dir)) await rm(dir, { recursive: true, force: true }).catch(() => undefined);
  }
}
