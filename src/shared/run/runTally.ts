/** What the commits of a run add up to. Commits never change, so each is read once, however often one looks. */
import { mapInOrder } from '../async/mapInOrder.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { committedShards, isMissing } from './committedShards.ts';
import type { RunShards } from './runShards.ts';
import { addByCode, addCounters, type Counters, noCounters, readCommitOf } from './shardCommit.ts';

/** Commits read at the same time. */
const READS = 16;

export interface RunTally {
  /** Reads what was committed since the last time. Throws IntegrityError for a commit of another run. */
  refresh(signal?: AbortSignal): Promise<void>;
  /** Whether a shard was committed at the last refresh. */
  has(index: number): boolean;
  readonly shardsDone: number;
  readonly counters: Counters;
  /** Rejected faces by `stage/code`. */
  readonly rejectsByCode: Readonly<Record<string, number>>;
}

export function createRunTally(shards: RunShards, store: ObjectStore): RunTally {
  const committed = new Uint8Array(shards.numbers);
  const counters = noCounters();
  const rejectsByCode: Record<string, number> = {};
  let shardsDone = 0;
  const has = (index: number): boolean => committed[index] === 1;

  async function* unread(signal: AbortSignal | undefined): AsyncGenerator<number> {
    for await (const index of committedShards(store, signal)) {
      if (isMissing(shards, { has }, index)) yield index;
    }
  }

  return {
    counters,
    rejectsByCode,
    get shardsDone() {
      return shardsDone;
    },
    has,
    async refresh(signal) {
      const read = async (index: number) => ({
        index,
        commit: await readCommitOf(store, shards.runId, index),
      });
      for await (const { index, commit } of mapInOrder(unread(signal), READS, read)) {
        signal?.throwIfAborted();
        if (commit === undefined) continue;
        committed[index] = 1;
        shardsDone++;
        addCounters(counters, commit.counters);
        addByCode(rejectsByCode, commit.rejectsByCode);
      }
    },
  };
}
