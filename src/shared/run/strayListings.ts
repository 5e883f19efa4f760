/**
 * Files of listings that lie in a run's store and name another run: of a planner that was killed after this run had
 * come first. Those of appends name this one; half ones are removed by an append, once their number is taken.
 */
import type { ObjectStore } from '../store/objectStore.ts';
import type { RunFile } from './runFile.ts';
import { isListingKey, LISTING_PREFIX } from './runKeys.ts';

/** The keys, without what posecast did not name. */
export async function* strayListings(
  store: ObjectStore,
  { runId }: RunFile,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  for await (const { key } of store.list(LISTING_PREFIX, signal)) {
    if (isListingKey(key) && !key.includes(runId)) yield key;
  }
}
