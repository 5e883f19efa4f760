/** Files in a run's own folders that the run does not name. A reader of `data/*` would take them for results. */

import {
  ATTEMPT_FOLDERS,
  COMMITS_PREFIX,
  generationOfListingKey,
  LISTING_PREFIX,
  parseAttemptKey,
  planKey,
  shardOfCommitKey,
} from '../shared/run/runKeys.ts';
import type { RunShards } from '../shared/run/runShards.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { ProblemLog } from './problems.ts';

/** `winners`: the committed attempt of each shard. */
export async function findStrayFiles(
  store: ObjectStore,
  shards: RunShards,
  winners: ReadonlyMap<number, string>,
): Promise<ProblemLog> {
  const problems = new ProblemLog();
  const listing = new Set(
    shards.listings.flatMap(({ planId, parts, subjects }) => [
      planKey(planId),
      ...parts.map(({ key }) => key),
      ...(subjects === null ? [] : [subjects.key]),
    ]),
  );
  // Of an append that is being planned, or was broken off: the next one that finds something new removes it.
  const next = shards.generations.length + 1;
  const isOurs = (key: string): boolean => {
    if (key.startsWith(COMMITS_PREFIX)) return (shardOfCommitKey(key) ?? shards.numbers) < shards.numbers;
    if (key.startsWith(LISTING_PREFIX))
      return listing.has(key) || generationOfListingKey(shards.runId, key) === next;
    const attempt = parseAttemptKey(key);
    if (attempt === undefined) return false;
    // Files of a replaced shard are removed by the finish, after which nobody names them.
    if (shards.placeOf(attempt.shardIndex) === undefined) return false;
    // Files of a shard without a commit are an attempt that may still be running.
    return (winners.get(attempt.shardIndex) ?? attempt.attemptId) === attempt.attemptId;
  };
  for (const folder of [COMMITS_PREFIX, LISTING_PREFIX, ...ATTEMPT_FOLDERS.map((name) => `${name}/`)]) {
    for await (const { key } of store.list(folder)) {
      if (!isOurs(key)) problems.add('stray-file', key, 'file belongs to no commit');
    }
  }
  return problems;
}
