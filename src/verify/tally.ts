/** What a verification has read and counted, not what the manifest says. */
import type { ShardCommit } from '../shared/run/shardCommit.ts';

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
  /** @param subjects people whose first photographs are in the shard. */
  add(commit: ShardCommit, subjects: number): void;
  /** For a shard that could not be read. */
  skip(): void;
}

export function createTally(): Tally {
  const checked = { shards: 0, files: 0, bytes: 0, rows: 0, faces: 0, subjects: 0, rejected: 0, variants: 0 };
  return {
    checked,
    add(commit, subjects) {
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
    },
    skip() {
      checked.shards++;
    },
  };
}
