/** What of a run is done, read from the names in its store alone. */
import type { ObjectStore } from '../store/objectStore.ts';
import type { RunShards } from './generations.ts';
import { COMMITS_PREFIX, commitShardIndex, SUCCESS_KEY } from './runKeys.ts';

/** Indices of the committed shards, ascending. */
export async function* committedShards(store: ObjectStore, signal?: AbortSignal): AsyncIterable<number> {
  for await (const { key } of store.list(COMMITS_PREFIX, signal)) {
    const index = commitShardIndex(key);
    if (index !== undefined) yield index;
  }
}

/** Which of the shards that make up a run are committed; one byte a shard. */
export interface CommittedSet {
  readonly size: number;
  has(index: number): boolean;
}

export async function readCommittedSet(
  store: ObjectStore,
  shards: RunShards,
  signal?: AbortSignal,
): Promise<CommittedSet> {
  const flags = new Uint8Array(shards.numbers);
  let size = 0;
  for await (const index of committedShards(store, signal)) {
    if (shards.placeOf(index) === undefined) continue;
    flags[index] = 1;
    size++;
  }
  return { size, has: (index) => flags[index] === 1 };
}

/** Whether the run's last step is done. */
export async function isFinished(store: ObjectStore): Promise<boolean> {
  return (await store.head(SUCCESS_KEY)) !== undefined;
}
