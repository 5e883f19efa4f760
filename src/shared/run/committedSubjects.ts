/** The tables of people of committed shards, each held to the checksum and the number of rows that its commit names. */

import { mapInOrder } from '../async/mapInOrder.ts';
import { IntegrityError } from '../errors.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { readTable } from '../table/readTable.ts';
import { readSubjectRows, type SubjectRow } from '../table/tables.ts';
import { requireDigest } from './requireDigest.ts';
import { commitKey } from './runKeys.ts';
import type { RunListing, RunShards } from './runShards.ts';
import { readCommitOf, type ShardCommit } from './shardCommit.ts';

/** Commits and subject tables read ahead. */
const READ_AHEAD = 16;

export interface CommittedShard {
  readonly commit: ShardCommit;
  readonly subjects: readonly SubjectRow[];
  readonly listing: RunListing;
}

/** Those at some places, in the order asked for. Throws IntegrityError. */
export async function* readCommittedSubjects(
  store: ObjectStore,
  shards: RunShards,
  places: readonly number[],
  signal: AbortSignal | undefined,
): AsyncIterable<CommittedShard> {
  const read = async (place: number) => ({
    place,
    ...(await readShard(store, shards.runId, shards.shardAt(place))),
  });
  for await (const { place, commit, bytes } of mapInOrder(places, READ_AHEAD, read)) {
    signal?.throwIfAborted();
    const { key, rows } = commit.subjects;
    const subjects: SubjectRow[] = [];
    for (const batch of readTable(bytes, { key }).batches) subjects.push(...readSubjectRows(batch));
    if (subjects.length !== rows) {
      const facts = { key, expected: rows, found: subjects.length };
      throw new IntegrityError(
        'row-count',
        'subject table has another number of rows than its commit',
        facts,
      );
    }
    yield { commit, subjects, listing: shards.listingAt(place) };
  }
}

async function readShard(
  store: ObjectStore,
  runId: string,
  index: number,
): Promise<{ commit: ShardCommit; bytes: Uint8Array }> {
  const commit = await readCommitOf(store, runId, index);
  if (commit === undefined)
    throw new IntegrityError('missing-commit', 'commit disappeared', { key: commitKey(index) });
  const { key, sha256 } = commit.subjects;
  const bytes = await store.get(key);
  if (bytes === undefined) throw new IntegrityError('missing-file', 'file of a commit is missing', { key });
  requireDigest(bytes, sha256, key);
  return { commit, bytes };
}
