/**
 * The photographs of a batch, as many as there is memory for. A list of paths says no sizes, and a file may have grown
 * since it was listed: what is there is known when a read has begun. One that is refused then costs a request in S3, so
 * no more are begun than there should be room for, by the sizes that the shard's reads have heard so far.
 */
import type { ReadOutcome } from '../../shared/corpus/corpusSource.ts';
import type { FaceRecord } from '../../shared/face.ts';
import type { ImageReader } from './imageReader.ts';

/**
 * A photograph of unknown size counts as so many of those before it: they differ, and one too many is asked for twice.
 */
const SPARE = 1.25;

export interface ReadBatch {
  readonly reads: readonly ReadRecord[];
  /** What there was no room for, in order. */
  readonly left: readonly FaceRecord[];
}

interface ReadRecord {
  readonly record: FaceRecord;
  readonly read: ReadOutcome;
}

/**
 * Reads batches of one shard. At least one photograph of a batch is read, and of no more than `size` bytes together if
 * it is several.
 */
export function openBatchReader(
  images: ImageReader,
  size: number,
): (batch: readonly FaceRecord[]) => Promise<ReadBatch> {
  const heard = new Map<FaceRecord, number>();
  let allHeard = 0;
  /** 0: nothing is known. */
  const sizeOf = (record: FaceRecord): number =>
    heard.get(record) ?? (record.bytes || (SPARE * allHeard) / Math.max(1, heard.size));

  return async (batch) => {
    let taken = 0;
    const refused = new Set<FaceRecord>();
    const readOne = async (record: FaceRecord): Promise<ReadRecord> => {
      let isTaken = false;
      const read = await images.read(record, (bytes) => {
        // A read that broke off asks again.
        if (isTaken) return true;
        allHeard += bytes - (heard.get(record) ?? 0);
        heard.set(record, bytes);
        isTaken = taken === 0 || taken + bytes <= size;
        if (isTaken) taken += bytes;
        else refused.add(record);
        return isTaken;
      });
      return { record, read };
    };
    const reads: ReadRecord[] = [];
    const begin = async (records: readonly FaceRecord[]): Promise<void> => {
      reads.push(...(await Promise.all(records.map(readOne))));
    };
    // One, then two, then four, until one of them is there and says what to expect of the others.
    while (reads.length < batch.length && sizeOf(batch[reads.length]!) === 0) {
      await begin(batch.slice(reads.length, 2 * reads.length + 1));
    }
    let expected = taken;
    const fits = (record: FaceRecord, i: number): boolean => {
      expected += sizeOf(record);
      return expected <= size || reads.length + i === 0;
    };
    const others = batch.slice(reads.length);
    const noRoom = others.findIndex((record, i) => !fits(record, i));
    await begin(noRoom === -1 ? others : others.slice(0, noRoom));
    const done = reads.filter(({ record }) => !refused.has(record));
    const records = new Set(done.map(({ record }) => record));
    return { reads: done, left: batch.filter((record) => !records.has(record)) };
  };
}
