/** The people of the committed shards, by their class index: their place in the listing, whichever shards are done. */
import { compareUtf8 } from '../../shared/listingOrder.ts';
import type { SubjectRow } from '../../shared/table/tables.ts';
import type { CommitLog } from './commitLog.ts';
import { slicesOf } from './pages.ts';
import type { ShardFiles } from './shardFiles.ts';

export interface PersonRow extends SubjectRow {
  readonly shard: number;
}

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
      (await files.subjects(shard)).slice(from, from + count).map((row) => ({ ...row, shard })),
    ),
  );
  return parts.flat();
}

/** The person with this class index; undefined while their shard is not committed. */
export async function personAt(
  log: CommitLog,
  files: ShardFiles,
  classIndex: number,
): Promise<PersonRow | undefined> {
  const shards = log.inOrder();
  const at = lastAtMost(shards.length, (i) => (log.number(shards[i]!, 'firstClassIndex') ?? 0) - classIndex);
  const shard = shards[at];
  if (shard === undefined) return undefined;
  const row = (await files.subjects(shard)).find((subject) => subject.classIndex === classIndex);
  return row && { ...row, shard };
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

/** Index of the last item whose `compare` is at most 0; −1 when there is none. Items are ascending. */
function lastAtMost(length: number, compare: (i: number) => number): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(middle) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
