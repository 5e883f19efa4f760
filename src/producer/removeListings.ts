/** Removes listings that no run has: of planning that failed, or that another process forestalled. */
import { LISTING_PREFIX } from '../shared/run/runKeys.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';

export async function removeListings(store: ObjectStore, which: (key: string) => boolean): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of store.list(LISTING_PREFIX)) if (which(key)) keys.push(key);
  for (const key of keys) await store.delete(key);
}

/**
 * After a failure: as far as the store lets us. What stays is removed by whoever plans with success.
 * @param isTaken whether a run has the listing all the same: a failed write of what names it may have arrived.
 */
export async function removeOwnListing(
  store: ObjectStore,
  planId: string,
  isTaken: () => Promise<boolean>,
): Promise<void> {
  try {
    if (!(await isTaken())) await removeListings(store, (key) => key.includes(planId));
  } catch {
    // The failure that brought us here is the one to report.
  }
}
