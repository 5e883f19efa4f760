/** Names of people who do not exist: whoever had one of somebody of the corpus would be taken for the same person. */
import type { FaceRecord } from '../shared/face.ts';

/** `invented-0`, `invented-1`, … without those that a person or a photograph of the corpus has. */
export function inventedNames(faces: readonly FaceRecord[], count: number): string[] {
  const taken = new Set(faces.flatMap(({ subjectId, faceId }) => [subjectId, faceId]));
  const names: string[] = [];
  for (let n = 0; names.length < count; n++) {
    const name = `invented-${n}`;
    if (!taken.has(name)) names.push(name);
  }
  return names;
}
