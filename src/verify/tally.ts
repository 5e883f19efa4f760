/** What a verification has read and counted, not what the manifest says. */
import { addCounters, type Counters, noCounters, type ShardCommit } from '../shared/run/shardCommit.ts';

export interface Checked {
  shards: number;
  files: number;
  bytes: number;
  rows: number;
  faces: number;
  subjects: number;
  rejected: number;
  variants: number;
}

export interface Tally {
  readonly checked: Readonly<Checked>;
  /** Of the listings, by generation. */
  readonly counters: ReadonlyMap<number, Counters>;
  /** The attempt that won, by shard. */
  readonly winners: ReadonlyMap<number, string>;
  /** @param subjects people whose first photographs are in the shard. */
  add(commit: ShardCommit, generation: number, subjects: number): void;
  /** For a shard that could not be read. */
  skip(): void;
}

export function createTally(): Tally {
  const checked = { shards: 0, files: 0, bytes: 0, rows: 0, faces: 0, subjects: 0, rejected: 0, variants: 0 };
  const counters = new Map<number, Counters>();
  const winners = new Map<number, string>();
  return {
    checked,
    counters,
    winners,
    add(commit, generation, subjects) {
      checked.shards++;
      for (const entry of [commit.data, commit.rejects, commit.subjects]) {
        if (entry === null) continue;
        checked.files++;
        checked.bytes += entry.bytes;
      }
      checked.rows += commit.data?.rows ?? 0;
      checked.faces += commit.counters.faces;
      checked.subjects += subjects;
      checked.rejected += commit.counters.rejected;
      checked.variants += commit.counters.variants;
      const sum = counters.get(generation) ?? noCounters();
      addCounters(sum, commit.counters);
      counters.set(generation, sum);
      winners.set(commit.spec.index, commit.attemptId);
    },
    skip() {
      checked.shards++;
    },
  };
}
