/** Records → the batches that a model thread gets. */
import type { FaceRecord } from '../shared/face.ts';

/** Image bytes of a batch, as far as the listing knows them: what a few batches in flight cost in memory. */
const BATCH_BYTES = 16 * 2 ** 20;

/** Batches of at most `faces` records and about 16 MiB of images, in order; a larger image is a batch of its own. */
export function batchRecords(records: readonly FaceRecord[], faces: number): FaceRecord[][] {
  const batches: FaceRecord[][] = [];
  let batch: FaceRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    if (batch.length > 0 && (batch.length >= faces || bytes + record.bytes > BATCH_BYTES)) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(record);
    bytes += record.bytes;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
