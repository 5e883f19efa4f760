/**
 * The tables of people of all shards as one: a row a person, in class_index order. Somebody with photographs of several
 * generations has a row in a shard of each; the merged one counts them all.
 */
import { IntegrityError } from '../errors.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import type { ColumnarTable } from '../table/columns.ts';
import { ROW_GROUP_ROWS } from '../table/encodeTable.ts';
import { subjectRows } from '../table/tables.ts';
import { isAfterPlan, readAppendedTotals } from './appendedTotals.ts';
import type { CommitSums } from './commitSums.ts';
import { readCommittedSubjects } from './committedSubjects.ts';
import type { ManifestFileList } from './manifest.ts';
import { commitKey } from './runKeys.ts';
import { placesOf, type RunListing, type RunShards } from './runShards.ts';
import type { ShardCommit } from './shardCommit.ts';

export interface MergeOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (shardsRead: number) => void;
}

/**
 * One row a person, in class_index order; every commit is added to sums and files on the way. Throws IntegrityError
 * when the commits do not follow one another.
 */
export async function* mergeSubjects(
  store: ObjectStore,
  shards: RunShards,
  { sums, files }: { readonly sums: CommitSums; readonly files: ManifestFileList },
  { signal, onProgress }: MergeOptions,
): AsyncIterable<ColumnarTable> {
  const totals = await readAppendedTotals(store, shards, signal);
  let rows = subjectRows();
  let current: RunListing | undefined;
  /** People of the listing so far. */
  let position = 0;
  for await (const { commit, subjects, listing } of readCommittedSubjects(
    store,
    shards,
    placesOf(shards),
    signal,
  )) {
    if (listing !== current) [current, position] = [listing, 0];
    sums.add(commit, listing);
    requirePosition(commit, position);
    position += commit.spec.subjects;
    files.add(commit);
    for (const row of subjects) {
      // Somebody with earlier photographs is there already.
      if (row.classIndex < listing.firstNewClass) continue;
      const merged = totals?.merge(row, isAfterPlan(shards, commit.spec.index)) ?? row;
      sums.addSubject(merged);
      rows.add(merged);
    }
    onProgress?.(sums.winners.size);
    if (rows.length >= ROW_GROUP_ROWS) {
      yield rows.finish();
      rows = subjectRows();
    }
  }
  if (rows.length > 0) yield rows.finish();
}

function requirePosition({ spec }: ShardCommit, expected: number): void {
  if (spec.firstClassIndex === expected) return;
  throw new IntegrityError('class-index-gap', 'commit does not follow the one before it', {
    key: commitKey(spec.index),
    expected,
    found: spec.firstClassIndex,
  });
}
