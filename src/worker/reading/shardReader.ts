/** Reads a shard's photographs when they are asked for; those that lie together in an archive come with one read. */
import type { LimitFunction } from 'p-limit';
import {
  type CorpusSource,
  type HasRoom,
  type ImageLocation,
  type ReadOutcome,
  readImage,
} from '../../shared/corpus/corpusSource.ts';
import { type PlannedRead, planReads } from './planReads.ts';

export interface ShardReader {
  /**
   * The bytes of one of the records, in an ArrayBuffer of their own. Each record is read once; a whole object that
   * `hasRoom` refuses is a rejection, and may be read again.
   */
  read(record: ImageLocation, hasRoom?: HasRoom): Promise<ReadOutcome>;
}

/** A read under way or done, until each of its records has been taken. */
interface Shared {
  readonly body: Promise<ReadOutcome>;
  left: number;
}

/** @param limit bounds the reads under way in this process. */
export function openShardReader(
  source: CorpusSource,
  records: readonly ImageLocation[],
  limit: LimitFunction,
  signal: AbortSignal,
): ShardReader {
  const planned = new Map<ImageLocation, PlannedRead>();
  for (const read of planReads(records)) {
    for (const index of read.records) planned.set(records[index]!, read);
  }
  const shared = new Map<PlannedRead, Shared>();
  const alone = (record: ImageLocation, hasRoom?: HasRoom) =>
    limit(() => readImage(source, record, signal, hasRoom));

  return {
    async read(record, hasRoom) {
      const read = planned.get(record)!;
      const { range, uri } = read;
      if (range === undefined || read.records.length === 1) return alone(record, hasRoom);
      let both = shared.get(read);
      if (both === undefined) {
        both = { body: limit(() => source.read(uri, range, signal)), left: read.records.length };
        // Whoever takes a record hears of a failure; the others may never come.
        both.body.catch(() => {});
        shared.set(read, both);
      }
      if (--both.left === 0) shared.delete(read);
      const body = await both.body;
      // The archive has become shorter: some of its photographs are still there.
      if (body.status === 'rejected') return alone(record);
      const { offset = 0, bytes = 0 } = record;
      const start = offset - range.start;
      return { status: 'ok', bytes: body.bytes.slice(start, start + bytes) };
    },
  };
}
