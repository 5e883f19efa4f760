/** What a batch holds at most: items, and the sum of their sizes. */
export interface BatchLimits {
  readonly items: number;
  readonly size: number;
}

/** Batches within the limits, in order; an item larger than a batch may be is one of its own. */
export function batchesWithin<T>(
  all: readonly T[],
  { items, size }: BatchLimits,
  sizeOf: (item: T) => number,
): T[][] {
  const batches: T[][] = [];
  let batch: T[] = [];
  let taken = 0;
  for (const item of all) {
    const more = sizeOf(item);
    if (batch.length > 0 && (batch.length >= items || taken + more > size)) {
      batches.push(batch);
      batch = [];
      taken = 0;
    }
    batch.push(item);
    taken += more;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
