/** Rejected faces, a page at a time, each with its place in the listing so that its photograph can be asked for. */
import type { RejectRow } from '../../shared/table/tables.ts';
import type { CommitLog } from './commitLog.ts';
import { slicesOf } from './pages.ts';
import type { ShardFiles } from './shardFiles.ts';

export interface RejectedFace extends RejectRow {
  readonly shard: number;
  /** Number of the face in its shard's part of the listing; undefined when the listing does not have it. */
  readonly row: number | undefined;
}

/** @param code `stage/code`; undefined: all. */
export function countRejects(log: CommitLog, code: string | undefined): number {
  return code === undefined
    ? log.counters.rejected
    : Object.hasOwn(log.rejectsByCode, code)
      ? log.rejectsByCode[code]!
      : 0;
}

/** Rejects [start, start + size) in the order of the listing. */
export async function rejectsPage(
  log: CommitLog,
  files: ShardFiles,
  code: string | undefined,
  start: number,
  size: number,
): Promise<RejectedFace[]> {
  const inShard = (shard: number): number => {
    const byCode = log.rejectsOf(shard);
    if (code === undefined) return log.number(shard, 'rejected') ?? 0;
    return Object.hasOwn(byCode, code) ? byCode[code]! : 0;
  };
  const parts = await Promise.all(
    slicesOf(log.inOrder(), inShard, start, size).map(async ({ shard, from, count }) => {
      const [rejects, listing] = await Promise.all([files.rejects(shard), files.listing(shard)]);
      const places = new Map(listing.map(({ faceId }, row) => [faceId, row]));
      return rejects
        .filter((reject) => code === undefined || `${reject.stage}/${reject.code}` === code)
        .slice(from, from + count)
        .map((reject) => ({ ...reject, shard, row: places.get(reject.faceId) }));
    }),
  );
  return parts.flat();
}
