/** The people of the committed shards, in the order of the listing, whichever shards are done. */
import { compareUtf8 } from '../../shared/listingOrder.ts';
import type { SubjectRow } from '../../shared/table/tables.ts';
import type { CommitLog } from './commitLog.ts';
import { slicesOf } from './pages.ts';
import type { ShardFiles } from './shardFiles.ts';

/** A person is found by their shard and their row in its table of people. */
export interface PersonPlace {
  readonly shard: number;
  readonly row: number;
}

export interface PersonRow extends SubjectRow, PersonPlace {}

/** People of committed shards. */
export function countPeople(log: CommitLog): number {
  let people = 0;
  for (const shard of log.inOrder()) people += subjectsOf(log, shard);
  return people;
}

/** People [start, start + size) of the committed shards, in the order of the listing. */
export async function peoplePage(
  log: CommitLog,
  files: ShardFiles,
  start: number,
  size: number,
): Promise<PersonRow[]> {
  const slices = slicesOf(log.inOrder(), (shard) => subjectsOf(log, shard), start, size);
  const parts = await Promise.all(
    slices.map(async ({ shard, from, count }) =>
      (await files.subjects(shard))
        .slice(from, from + count)
        .map((subject, i) => ({ ...subject, shard, row: from + i })),
    ),
  );
  return parts.flat();
}

/** Undefined while their shard is not committed, and for a row that it does not have. */
export async function personAt(
  log: CommitLog,
  files: ShardFiles,
  { shard, row }: PersonPlace,
): Promise<PersonRow | undefined> {
  if (!log.has(shard)) return undefined;
  const subject = (await files.subjects(shard))[row];
  return subject && { ...subject, shard, row };
}

/** Position, among the people of the committed shards, of the first person whose id is `subjectId` or comes after it. */
export async function positionOf(log: CommitLog, files: ShardFiles, subjectId: string): Promise<number> {
  const shards = log.inOrder();
  let [low, high] = [0, shards.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const first = (await files.subjects(shards[middle]!))[0]?.subjectId ?? '';
    if (compareUtf8(first, subjectId) <= 0) low = middle + 1;
    else high = middle;
  }
  const shard = shards[low - 1];
  if (shard === undefined) return 0;
  let before = 0;
  for (const other of shards.slice(0, low - 1)) before += subjectsOf(log, other);
  const rows = await files.subjects(shard);
  const within = rows.findIndex((row) => compareUtf8(row.subjectId, subjectId) >= 0);
  return before + (within < 0 ? rows.length : within);
}

function subjectsOf(log: CommitLog, shard: number): number {
  return log.number(shard, 'subjects') ?? 0;
}
