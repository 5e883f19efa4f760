/**
 * Shards that were given up, by the notes in OUT; each note is read once in a while, and not more of them than are
 * shown.
 */
import { mapInOrder } from '../../shared/async/mapInOrder.ts';
import { isMissing } from '../../shared/run/committedShards.ts';
import { FAILURES_PREFIX, shardOfFailureKey } from '../../shared/run/runKeys.ts';
import type { RunShards } from '../../shared/run/runShards.ts';
import { readShardFailure, type ShardFailureNote } from '../../shared/run/shardFailure.ts';
import type { ObjectStore } from '../../shared/store/objectStore.ts';

/** Notes that are read and shown. */
const SHOWN_FAILURES = 200;

/** A note is written anew when its shard fails again. */
const READ_AGAIN_MS = 60_000;

const READS = 16;

export interface FailedShards {
  /** Numbers of every shard given up, ascending. */
  readonly shards: readonly number[];
  /** Of the first ones. */
  readonly notes: readonly ShardFailureNote[];
}

export interface FailureNotes {
  look(
    shards: RunShards,
    isCommitted: (shard: number) => boolean,
    signal?: AbortSignal,
  ): Promise<FailedShards>;
}

export function openFailureNotes(store: ObjectStore, runId: string): FailureNotes {
  const kept = new Map<number, { readonly readAt: number; readonly note: ShardFailureNote | undefined }>();
  return {
    async look(shards, isCommitted, signal) {
      const failed: number[] = [];
      for await (const { key } of store.list(FAILURES_PREFIX, signal)) {
        const shard = shardOfFailureKey(key);
        if (shard !== undefined && isMissing(shards, { has: isCommitted }, shard)) failed.push(shard);
      }
      const now = performance.now();
      const read = async (shard: number): Promise<ShardFailureNote | undefined> => {
        const before = kept.get(shard);
        if (before !== undefined && now - before.readAt < READ_AGAIN_MS) return before.note;
        const note = await readShardFailure(store, shard);
        kept.set(shard, { readAt: now, note });
        return note;
      };
      const notes: ShardFailureNote[] = [];
      for await (const note of mapInOrder(failed.slice(0, SHOWN_FAILURES), READS, read)) {
        if (note?.runId === runId) notes.push(note);
      }
      return { shards: failed, notes };
    },
  };
}
