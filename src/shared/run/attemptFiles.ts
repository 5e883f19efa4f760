/** The files of attempts that lie in a run's store, whichever of them was committed. */
import type { ObjectStore } from '../store/objectStore.ts';
import { ATTEMPT_FOLDERS, parseAttemptKey } from './runKeys.ts';
import type { RunShards } from './runShards.ts';

export interface AttemptFile {
  readonly key: string;
  readonly shardIndex: number;
  readonly attemptId: string;
}

/** Without what posecast did not name, and without shards of generations that came after `shards` was read. */
export async function* attemptFiles(
  store: ObjectStore,
  { numbers }: RunShards,
  signal: AbortSignal | undefined,
): AsyncGenerator<AttemptFile> {
  for (const folder of ATTEMPT_FOLDERS) {
    for await (const { key } of store.list(`${folder}/`, signal)) {
      const attempt = parseAttemptKey(key);
      if (attempt !== undefined && attempt.shardIndex < numbers) {
        yield { key, shardIndex: attempt.shardIndex, attemptId: attempt.attemptId };
      }
    }
  }
}
