/**
 * The photographs of a batch, as many as there is memory for. A list of paths says no sizes, and a file may have grown
 * since it was listed: what is there is known when a read has begun.
 */
import type { ReadOutcome } from '../shared/corpus/corpusSource.ts';
import type { FaceRecord } from '../shared/face.ts';
import { batchesWithin } from './batchesWithin.ts';
import type { ShardImages } from './shardImages.ts';

export interface ReadBatch {
  readonly reads: readonly { readonly record: FaceRecord; readonly read: ReadOutcome }[];
  /** What was too large to be read as well, in batches that hold no more. */
  readonly left: readonly FaceRecord[][];
}

/** At least one photograph is read, and of no more than `size` bytes together if it is several. */
export async function readBatch(
  images: ShardImages,
  batch: readonly FaceRecord[],
  size: number,
): Promise<ReadBatch> {
  let taken = 0;
  const left = new Map<FaceRecord, number>();
  const readOne = (record: FaceRecord): Promise<ReadOutcome> => {
    let isTaken = false;
    return images.read(record, (bytes) => {
      // A read that broke off asks again.
      if (isTaken) return true;
      isTaken = taken === 0 || taken + bytes <= size;
      if (isTaken) taken += bytes;
      else left.set(record, bytes);
      return isTaken;
    });
  };
  const reads = await Promise.all(batch.map(async (record) => ({ record, read: await readOne(record) })));
  return {
    reads: reads.filter(({ record }) => !left.has(record)),
    left: batchesWithin(
      batch.filter((record) => left.has(record)),
      { items: batch.length, size },
      (record) => left.get(record) ?? 0,
    ),
  };
}
