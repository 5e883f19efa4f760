/** What the shards that came after the plan, by an append or a retry, have of every person. */
import type { ObjectStore } from '../store/objectStore.ts';
import { readCommittedSubjects } from './committedSubjects.ts';
import { placesOf, type RunShards } from './runShards.ts';
import { SubjectTotals } from './subjectTotals.ts';

/** Whether a shard is an append's, or was done again. */
export function isAfterPlan({ listings }: RunShards, shard: number): boolean {
  return shard >= (listings[0]?.shards ?? 0);
}

/** Undefined for a run without appends. Throws IntegrityError when a table or its commit cannot be read. */
export async function readAppendedTotals(
  store: ObjectStore,
  shards: RunShards,
  signal: AbortSignal | undefined,
): Promise<SubjectTotals | undefined> {
  if (shards.listings.length === 1) return undefined;
  const totals = new SubjectTotals(shards.subjects);
  const places = placesOf(shards)
    .filter((place) => isAfterPlan(shards, shards.shardAt(place)))
    .sort((a, b) => shards.shardAt(a) - shards.shardAt(b));
  for await (const { subjects } of readCommittedSubjects(store, shards, places, signal)) {
    for (const row of subjects) totals.add(row);
  }
  return totals;
}
