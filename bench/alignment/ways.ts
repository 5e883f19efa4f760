/** Ways to align a turned face: each gives the points of the picture and where in the crop they shall come to lie. */
import {
  fitSimilarity,
  fivePoints,
  type Similarity,
  TEMPLATE,
  transformPoints,
} from '../../src/worker/stages/alignTransform.ts';
import type { SeenFace } from './seenFaces.ts';
import { fitHead, type HeadShape, turnHead } from './turnedHead.ts';

/** Undefined: this way has nothing to say about the face, which is then aligned as the product does. */
export type Way = (face: SeenFace) => Similarity | undefined;

/** The product's way comes first. */
export function alignmentWays(head: HeadShape, otherDetectors: readonly string[]): ReadonlyMap<string, Way> {
  const yawOf = (face: SeenFace) => fitHead(head, face.located.points68).yaw;
  const byMeans = (...fives: (Float32Array | undefined)[]) => {
    const given = fives.filter((five) => five !== undefined);
    return given.length < fives.length ? undefined : fitSimilarity(meanOf(given), TEMPLATE);
  };
  return new Map<string, Way>([
    ['five of the 68 points (product)', ({ located }) => fitSimilarity(located.five, TEMPLATE)],
    ['mean with the mirror image’s points', ({ located, mirrored }) => byMeans(located.five, mirrored)],
    ['points measured again on the square of the first', ({ again }) => fitSimilarity(again, TEMPLATE)],
    [
      'far eye and mouth corner weigh ½',
      (face) => fitWeighted(face.located.five, TEMPLATE, weights(yawOf(face), 2)),
    ],
    [
      'far eye and mouth corner weigh ¼',
      (face) => fitWeighted(face.located.five, TEMPLATE, weights(yawOf(face), 4)),
    ],
    [
      'template of the turned head',
      (face) => fitSimilarity(face.located.five, turnedTemplate(head, yawOf(face))),
    ],
    [
      'template of the turned head, far weigh ½',
      (face) => fitWeighted(face.located.five, turnedTemplate(head, yawOf(face)), weights(yawOf(face), 2)),
    ],
    [
      'template of the turned head, far weigh ¼',
      (face) => fitWeighted(face.located.five, turnedTemplate(head, yawOf(face)), weights(yawOf(face), 4)),
    ],
    [
      'template of the head turned by the pose meter',
      (face) => fitSimilarity(face.located.five, turnedTemplate(head, face.yaw)),
    ],
    [
      'head fitted to 51 points',
      (face) => fitSimilarity(fitHead(head, face.located.points68).five, TEMPLATE),
    ],
    ...otherDetectors.flatMap((name): [string, Way][] => [
      [`points of ${name}`, ({ others }) => byMeans(others.get(name))],
      [`mean with the points of ${name}`, ({ located, others }) => byMeans(located.five, others.get(name))],
    ]),
  ]);
}

/** The turned head's five points where a perfect detector and the usual template would put them. */
export function turnedTemplate(head: HeadShape, yaw: number): Float32Array {
  const five = fivePoints(turnHead(head, yaw));
  const toCrop = fitSimilarity(five, TEMPLATE);
  return toCrop === undefined ? TEMPLATE : transformPoints(toCrop, five);
}

/** How often each of the five points counts: `near` times on the side that the face shows, once on the far side. */
function weights(yaw: number, near: number): readonly number[] {
  return yaw > 0 ? [near, 1, near, near, 1] : [1, near, near, 1, near];
}

function fitWeighted(from: Float32Array, to: Float32Array, times: readonly number[]): Similarity | undefined {
  const repeat = (points: Float32Array) =>
    Float32Array.from(
      times.flatMap((count, p) =>
        Array.from({ length: count }, () => [points[2 * p]!, points[2 * p + 1]!]).flat(),
      ),
    );
  return fitSimilarity(repeat(from), repeat(to));
}

function meanOf(fives: readonly Float32Array[]): Float32Array {
  return fives[0]!.map((_, i) => fives.reduce((sum, five) => sum + five[i]! / fives.length, 0));
}
