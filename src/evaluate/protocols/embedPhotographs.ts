/** Photographs of a list → outcomes of the face pipeline, in the order of the list; memory does not grow with it. */

import { mapInOrder } from '../../shared/async/mapInOrder.ts';
import { severalAtOnce } from '../../shared/async/severalAtOnce.ts';
import { readImage } from '../../shared/corpus/corpusSource.ts';
import { folderSource } from '../../shared/corpus/folderSource.ts';
import type { EmbeddedFace, FaceInput, FaceOutcome } from '../../shared/face.ts';
import { photographDigest } from '../../shared/photographDigest.ts';
import type { ModelPool } from '../../worker/threads/modelPool.ts';

export interface EmbedSource {
  /** Absolute; paths of the list are relative to it. */
  readonly root: string;
  readonly pool: ModelPool;
  readonly signal: AbortSignal;
  /** Called after every batch with the photographs done so far. */
  readonly progress: (done: number) => void;
}

export interface EmbeddedItem<Item> {
  readonly item: Item;
  /** sha256 of the file; undefined when it could not be read. */
  readonly sha256: string | undefined;
  readonly outcome: FaceOutcome<EmbeddedFace>;
}

/** Photographs a thread gets at a time. */
const BATCH = 32;

/** What was embedded and what was not, for the report. */
export interface EmbedCounts {
  photographs: number;
  usable: number;
  /** Rejection code → photographs. */
  readonly rejected: Record<string, number>;
}

export function newCounts(): EmbedCounts {
  return { photographs: 0, usable: 0, rejected: {} };
}

export function countOutcome(counts: EmbedCounts, outcome: FaceOutcome<EmbeddedFace>): void {
  counts.photographs++;
  if (outcome.status === 'ok') counts.usable++;
  else counts.rejected[outcome.rejection.code] = (counts.rejected[outcome.rejection.code] ?? 0) + 1;
}

/** A photograph that is missing or has no face is an outcome, never an exception. */
export async function* embedPhotographs<Item extends { readonly path: string }>(
  items: AsyncIterable<Item> | Iterable<Item>,
  source: EmbedSource,
): AsyncGenerator<EmbeddedItem<Item>> {
  let done = 0;
  // Every thread has a batch and one waiting.
  for await (const batch of mapInOrder(severalAtOnce(items, BATCH), 2 * source.pool.threads, (one) =>
    embed(one, source),
  )) {
    source.signal.throwIfAborted();
    done += batch.length;
    yield* batch;
    source.progress(done);
  }
}

async function embed<Item extends { readonly path: string }>(
  batch: readonly Item[],
  { root, pool, signal }: EmbedSource,
): Promise<EmbeddedItem<Item>[]> {
  const read = await Promise.all(
    batch.map(({ path }) => readImage(folderSource(root), { uri: path }, signal)),
  );
  // Bytes are handed over to a thread; what is wanted of them is taken before.
  const digests = read.map((one) => (one.status === 'ok' ? photographDigest(one.bytes) : undefined));
  const inputs: FaceInput[] = read.flatMap((one, i) =>
    one.status === 'ok' ? [{ faceId: batch[i]!.path, bytes: one.bytes }] : [],
  );
  const outcomes = inputs.length === 0 ? [] : await pool.processFaces(inputs);
  let next = 0;
  return batch.map((item, i) => {
    const one = read[i]!;
    const outcome = one.status === 'ok' ? outcomes[next++]! : one;
    return { item, sha256: digests[i], outcome };
  });
}
