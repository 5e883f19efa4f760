/**
 * What the merged table has to say of people: their rows in the shard that put them there, with what later generations
 * add.
 */
import { describeError, IntegrityError } from '../shared/errors.ts';
import { isAfterPlan, readAppendedTotals } from '../shared/run/appendedTotals.ts';
import { SUBJECTS_KEY } from '../shared/run/runKeys.ts';
import type { RunShards } from '../shared/run/runShards.ts';
import type { SubjectTotals } from '../shared/run/subjectTotals.ts';
import type { SubjectRow } from '../shared/table/tables.ts';
import { damageOf } from './problems.ts';
import type { Verification } from './verification.ts';

/** The rows of a shard's people who are in the merged table because of it; undefined when they are not known. */
export type MergedRows = (rows: readonly SubjectRow[], shard: number) => readonly SubjectRow[] | undefined;

export async function openMergedRows(verification: Verification, shards: RunShards): Promise<MergedRows> {
  const { problems } = verification;
  const totals = await readTotals(verification, shards);
  return (rows, shard) => {
    if (shards.listings.length === 1) return rows;
    if (totals === undefined) return undefined;
    try {
      return rows.map((row) => totals.merge(row, isAfterPlan(shards, shard)));
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      return void problems.add(error.code, SUBJECTS_KEY, describeError(error));
    }
  };
}

/** What cannot be read is found again, and reported, shard by shard. */
async function readTotals(
  { store, problems, signal }: Verification,
  shards: RunShards,
): Promise<SubjectTotals | undefined> {
  try {
    return await readAppendedTotals(store, shards, signal);
  } catch (error) {
    signal?.throwIfAborted();
    return void problems.add('subjects-unknown', SUBJECTS_KEY, describeError(damageOf(error)));
  }
}
