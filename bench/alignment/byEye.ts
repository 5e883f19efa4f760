/**
 * What a perfect landmark network would give: on 14 UMIST photographs at 75–90°, most of which the product rejects,
 * the eye, the nose tip and the mouth corner were placed by eye. The far points follow from the turned head.
 */
import {
  fitSimilarity,
  fivePoints,
  invert,
  type Similarity,
  TEMPLATE,
  transformPoints,
} from '../../src/worker/stages/alignTransform.ts';
import { type HeadShape, turnHead } from './turnedHead.ts';

/** Photograph (person/file) → eye, nose tip, mouth corner in picture pixels; every face looks to the image's right. */
const PLACED: Readonly<Record<string, readonly number[]>> = {
  's06/01.pgm': [77.3, 46.1, 91.7, 69.2, 79.5, 86.3],
  's06/15.pgm': [74.4, 48.8, 90, 67.3, 77.6, 85.5],
  's06/17.pgm': [77, 46.7, 91.2, 67.8, 80, 86.3],
  's08/01.pgm': [73, 46.7, 91.2, 68.4, 76.3, 87.4],
  's08/03.pgm': [72.7, 44.2, 91.2, 67.3, 76, 85.5],
  's01/02.pgm': [77.6, 40.2, 90.6, 63.8, 83, 80.6],
  's01/04.pgm': [75.7, 41.2, 90.9, 63.8, 81.4, 82],
  's07/01.pgm': [80.6, 40.7, 94, 63.8, 88, 85.5],
  's07/03.pgm': [77.3, 44.8, 93.6, 66.5, 84.7, 85.5],
  's12/01.pgm': [81.7, 47.5, 92.5, 67.8, 83.6, 81.4],
  's02/01.pgm': [80.6, 44.8, 91.5, 71.9, 84.7, 86.8],
  's06/18.pgm': [73.3, 46.1, 90.9, 66.5, 77.9, 85],
  's12/05.pgm': [75.4, 44.8, 90.6, 65.1, 80.9, 79.5],
  's03/01.pgm': [71.6, 40.7, 90.6, 67.8, 79.8, 81.4],
};

/** Turns of the head that the far points are taken from, degrees. */
export const HEAD_TURNS = [45, 60, 75, 90] as const;

/** The alignment by the points placed by eye; undefined for photographs without them. */
export function alignByEye(head: HeadShape, photograph: string, yaw: number): Similarity | undefined {
  const placed = PLACED[photograph];
  if (placed === undefined) return undefined;
  const five = fivePoints(turnHead(head, yaw));
  const toHead = fitSimilarity(Float32Array.from(placed), shownPoints(five));
  return toHead && fitSimilarity(transformPoints(invert(toHead), five), TEMPLATE);
}

/** Eye, nose and mouth corner of the side that is seen. */
function shownPoints(five: Float32Array): Float32Array {
  return Float32Array.of(five[0]!, five[1]!, five[4]!, five[5]!, five[6]!, five[7]!);
}
