/** What of a corpus a cache is about: the same photographs of the same people have the same key. */
import type { Photographs } from '../shared/corpus/photographs.ts';
import type { FaceRecord } from '../shared/face.ts';

export interface ListingKey {
  /** One text a photograph. */
  readonly listing: readonly string[];
  /** Where sizes do not tell contents apart, the place does. */
  readonly place?: string;
}

/** Sizes of files, members and records are exact; a list has none, and of a row only the mean of its neighbours. */
export function listingKey(
  faces: readonly FaceRecord[],
  photographs: Pick<Photographs, 'place'>,
): ListingKey {
  const isVague = faces.some(({ bytes, row }) => bytes === 0 || row !== undefined);
  return { listing: faces.map(describeFace), ...(isVague && { place: photographs.place }) };
}

function describeFace({ faceId, subjectId, uri, bytes, offset, row }: FaceRecord): string {
  // A file in the folder of its person is told by its path.
  if (uri === faceId && faceId.startsWith(`${subjectId}/`)) return `${faceId} ${bytes}`;
  return JSON.stringify([faceId, subjectId, uri, bytes, offset ?? null, row ?? null]);
}
