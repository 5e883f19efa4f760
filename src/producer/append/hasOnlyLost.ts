/** Whether all that has changed of a corpus since its listings is that photographs are gone: nothing is new for an append. */
import type { RunConfig } from '../../shared/config.ts';
import type { FaceRecord } from '../../shared/face.ts';
import type { RunShards } from '../../shared/run/runShards.ts';
import type { ObjectStore } from '../../shared/store/objectStore.ts';
import { compareCorpus } from './compareCorpus.ts';
import { earlierFaces } from './earlierFaces.ts';

/**
 * @param corpus the corpus as it is now, in the order of `compareFaces`.
 * @throws IntegrityError when a listing cannot be read.
 */
export async function hasOnlyLost(
  corpus: AsyncIterable<FaceRecord>,
  { listings }: RunShards,
  store: ObjectStore,
  { labelColumns }: RunConfig,
  signal?: AbortSignal,
): Promise<boolean> {
  let isOther = false;
  const other = (): void => {
    isOther = true;
  };
  const earlier = listings.map((listing) => earlierFaces(store, listing, labelColumns, signal));
  const differences = { onGone: () => {}, onChanged: other, onMoved: other, onLabelled: other };
  // The first person with something new is enough.
  for await (const _ of compareCorpus(corpus, earlier, differences)) return false;
  return !isOther;
}
