/** Folders that runs have left: when a run is killed outright, nobody removes that of its Redis. */
import { sweepFolders } from '../shared/machine/sweepFolders.ts';
import { OWNER_FILE } from '../shared/redis/redisServer.ts';

export const REDIS_FOLDER = 'posecast-redis-';

/** Removes from `folder` those of our own user whose owner and server are surely gone. */
export async function sweepRedisFolders(folder: string): Promise<void> {
  await sweepFolders(folder, REDIS_FOLDER, OWNER_FILE);
}
