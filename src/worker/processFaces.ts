/** Photographs of a shard → faces: read, and through the models in batches. */
import pLimit from 'p-limit';
import type { ImageLocation } from '../shared/corpus/corpusSource.ts';
import type { FaceRecord } from '../shared/face.ts';
import { batchesWithin } from './batchesWithin.ts';
import { openBatchReader } from './reading/readBatch.ts';
import { openShardImages } from './reading/shardImages.ts';
import { openShardReader } from './reading/shardReader.ts';
import type { InTurn, ShardRunOptions } from './shardContext.ts';
import type { Stopwatch } from './stopwatch.ts';
import type { FaceResult } from './tables/shardTables.ts';
import { addThreadTimes } from './threads/threadTimes.ts';

/** Image bytes of a batch: what a few batches in flight cost in memory. */
const BATCH_BYTES = 16 * 2 ** 20;

/**
 * Every record through reading and the face pipeline, a few batches in flight. Answers a batch at a time, in listing
 * order; the next ones go on whether or not it is taken yet. A caller that stops taking them lets no further one begin.
 */
export async function* processFaces(
  records: readonly FaceRecord[],
  { run, corpus, tableImages, models, batchFaces, readLimit }: InTurn,
  { signal, onProgress, onFaces, observer }: ShardRunOptions,
  stopwatch: Stopwatch,
): AsyncGenerator<FaceResult[]> {
  /** Nobody takes batches any more. */
  let hasEnded = false;
  const openReader = (locations: readonly ImageLocation[]) =>
    openShardReader(corpus, locations, readLimit, signal);
  const images = openShardImages(run.config, openReader, tableImages, records);
  const readBatch = openBatchReader(images, BATCH_BYTES);
  const processBatch = async (batch: readonly FaceRecord[]): Promise<FaceResult[]> => {
    signal.throwIfAborted();
    const readAt = performance.now();
    const { reads, left } = await stopwatch.time('read', () => readBatch(batch));
    observer?.batchStage?.('read', (performance.now() - readAt) / 1_000);
    const inputs = reads.flatMap(({ record, read }) =>
      read.status === 'ok' ? [{ faceId: record.faceId, bytes: read.bytes }] : [],
    );
    const askedAt = performance.now();
    const outcomes = await stopwatch.time('faces', () =>
      models.processFaces(inputs, (times) => {
        addThreadTimes(times, stopwatch, observer);
        observer?.batchStage?.('wait', Math.max(0, performance.now() - askedAt - times.busyMs) / 1_000);
      }),
    );
    let next = 0;
    const results = reads.map(
      ({ record, read }): FaceResult => ({
        record,
        outcome: read.status === 'ok' ? outcomes[next++]! : read,
      }),
    );
    if (!hasEnded) {
      const rejects = results.filter(({ outcome }) => outcome.status === 'rejected').length;
      onProgress({ faces: results.length, rejects, variants: 0 });
      onFaces?.(results);
    }
    if (left.length === 0) return results;
    const all = new Map([...results, ...(await processBatch(left))].map((result) => [result.record, result]));
    return batch.map((record) => all.get(record)!);
  };
  // One batch computing and one being read for every thread.
  const inFlight = pLimit(models.threads * 2);
  const limits = {
    items: Math.min(batchFaces, Math.ceil(records.length / models.threads)),
    size: BATCH_BYTES,
  };
  const batches = batchesWithin(records, limits, ({ bytes }) => bytes).map((batch) =>
    inFlight(processBatch, batch),
  );
  // Each is awaited in its turn; until then a failure must not count as unhandled.
  for (const batch of batches) batch.catch(() => undefined);
  try {
    for (let next = batches.shift(); next !== undefined; next = batches.shift()) yield await next;
  } finally {
    // What is still in flight is computed again by the next attempt, and heard of then.
    hasEnded = true;
    inFlight.clearQueue();
  }
}
