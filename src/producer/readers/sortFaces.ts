/** Faces in any order → the order of a listing, on disk; a face id that comes twice is refused. */
import type { FaceRecord } from '../../shared/face.ts';
import { compareUtf8 } from '../../shared/listing/listingOrder.ts';
import { openExternalSorter } from './externalSort.ts';
import { inListingOrder } from './faceSorter.ts';
import type { OnListed } from './onListed.ts';

/** A face as it was met. */
export interface FoundFace {
  readonly face: FaceRecord;
  /** Where it stands: a number that ascends as the corpus is read. */
  readonly at: number;
}

type IdAndPlace = readonly [faceId: string, at: number];

/** `refuse` makes the error for a face id that was met at two places. */
export function sortFaces(
  met: AsyncIterable<FoundFace>,
  refuse: (faceId: string, first: number, again: number) => Error,
  signal?: AbortSignal,
  onListed?: OnListed,
): AsyncGenerator<FaceRecord> {
  return inListingOrder(facesOnce(met, refuse), signal, onListed);
}

/** The faces as they were met; at their end, an id that comes twice is refused. */
async function* facesOnce(
  met: AsyncIterable<FoundFace>,
  refuse: (faceId: string, first: number, again: number) => Error,
): AsyncGenerator<FaceRecord> {
  const ids = openExternalSorter<IdAndPlace>((a, b) => compareUtf8(a[0], b[0]) || a[1] - b[1]);
  try {
    for await (const { face, at } of met) {
      const writing = ids.add([face.faceId, at]);
      if (writing !== undefined) await writing;
      yield face;
    }
    let last: IdAndPlace | undefined;
    for await (const id of ids.sorted()) {
      if (last?.[0] === id[0]) throw refuse(id[0], last[1], id[1]);
      last = id;
    }
  } finally {
    await ids.close();
  }
}
