/** Faces as they are found → the order of a listing, on disk. */
import type { FaceRecord } from '../../shared/face.ts';
import { compareFaces } from '../../shared/listing/listingOrder.ts';
import { type ExternalSorter, openExternalSorter } from './externalSort.ts';
import { LISTED_EVERY, type OnListed } from './onListed.ts';

/** A sorter of faces that says how many it has got. */
export function openFaceSorter(onListed?: OnListed): ExternalSorter<FaceRecord> {
  const sorter = openExternalSorter<FaceRecord>(compareFaces);
  let faces = 0;
  return {
    ...sorter,
    add(face) {
      if (++faces % LISTED_EVERY === 0) onListed?.({ faces });
      return sorter.add(face);
    },
  };
}

/** All of `faces`, sorted; the first comes when they have ended, and none does when they throw. */
export async function* inListingOrder(
  faces: AsyncIterable<FaceRecord>,
  signal?: AbortSignal,
  onListed?: OnListed,
): AsyncGenerator<FaceRecord> {
  const sorter = openFaceSorter(onListed);
  try {
    for await (const face of faces) {
      signal?.throwIfAborted();
      const writing = sorter.add(face);
      if (writing !== undefined) await writing;
    }
    for await (const face of sorter.sorted()) {
      signal?.throwIfAborted();
      yield face;
    }
  } finally {
    await sorter.close();
  }
}
