/** What of a run is done, read from the names in its store alone. */
import type { ObjectStore } from '../store/objectStore.ts';
import { listGenerations } from './generations.ts';
import { COMMITS_PREFIX, SUCCESS_KEY, shardOfCommitKey } from './runKeys.ts';
import type { RunShards } from './runShards.ts';

/** Indices of the committed shards, ascending. */
export async function* committedShards(store: ObjectStore, signal?: AbortSignal): AsyncIterable<number> {
  for await (const { key } of store.list(COMMITS_PREFIX, signal)) {
    const index = shardOfCommitKey(key);
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

/** Whether a shard counts and has no commit. */
export function isMissing(shards: RunShards, committed: Pick<CommittedSet, 'has'>, shard: number): boolean {
  return shards.placeOf(shard) !== undefined && !committed.has(shard);
}

/**
 * Whether the run's last step is done, for all its generations: `_SUCCESS` says which one it is about, so that a
 * finisher that slept while a generation was added cannot declare that one done.
 */
export async function isFinished(store: ObjectStore): Promise<boolean> {
  const body = await store.get(SUCCESS_KEY);
  if (body === undefined) return false;
  const newest = (await listGenerations(store)).at(-1) ?? 0;
  return Buffer.from(body).toString() === Buffer.from(successBody(newest)).toString();
}

/** What `_SUCCESS` holds: nothing for a run without generations, else the number of the newest. */
export function successBody(generation: number): Uint8Array {
  return Buffer.from(generation === 0 ? '' : `generation ${generation}\n`);
}
