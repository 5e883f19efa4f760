/** The ids of generated embeddings. Photographs may not have such ones: a face_id is in the output once. */
import type { FaceId, SubjectId } from './face.ts';

/** `<person>#variant-<number within the person>`. */
export function variantFaceId(subjectId: SubjectId, variant: number): FaceId {
  return `${subjectId}#variant-${variant}`;
}

/** Whether an id is of that form, whoever the person is. */
export function isVariantFaceId(faceId: FaceId): boolean {
  return /#variant-\d+$/.test(faceId);
}
