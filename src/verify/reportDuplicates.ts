/** The second look at face ids whose hashes are equal: only texts that really occur twice are reported. */
import { readShardCommit } from '../shared/run/shardCommit.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { columnOf } from '../shared/table/columnOf.ts';
import { readTable } from '../shared/table/readTable.ts';
import { hashText } from './duplicateIds.ts';
import { damageOf } from './problems.ts';
import type { Verification } from './verification.ts';

/** Reads the face ids of the shards again when there are candidates. */
export async function reportDuplicates(
  { store, ids, problems }: Verification,
  shards: Iterable<number>,
): Promise<void> {
  const candidates = await ids.candidates();
  if (candidates.size === 0) return;
  const firstKey = new Map<string, string>();
  for (const index of shards) {
    const commit = await readShardCommit(store, index);
    for (const key of [commit?.data?.key, commit?.rejects?.key]) {
      if (key === undefined) continue;
      for (const faceId of await readFaceIds(store, key)) {
        if (!candidates.has(hashText(faceId))) continue;
        const first = firstKey.get(faceId);
        if (first === undefined) firstKey.set(faceId, key);
        else problems.add('duplicate', key, `face_id occurs twice: ${faceId}, first in ${first}`);
      }
    }
  }
}

/** Of a file that cannot be read, which is among the problems already: those before the damage. */
async function readFaceIds(store: ObjectStore, key: string): Promise<string[]> {
  const ids: string[] = [];
  try {
    const bytes = await store.get(key);
    if (bytes === undefined) return ids;
    for (const batch of readTable(bytes, { key, columns: ['face_id'] }).batches) {
      const column = columnOf(batch, 'face_id');
      for (let row = 0; row < batch.numRows; row++) ids.push(String(column?.get(row)));
    }
  } catch (error) {
    damageOf(error);
  }
  return ids;
}
