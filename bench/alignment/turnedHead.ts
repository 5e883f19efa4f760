/** A head of average shape, turned: the layout that 68 landmarks should have, and the turn that explains them best. */
import { LANDMARK_COUNT, type Landmarks68 } from '../../src/shared/face.ts';
import { headRotation, headShape, LANDMARK_DEPTH } from '../../src/training/headModel.ts';
import type { FivePoints } from '../../src/worker/models/detector.ts';
import {
  fitSimilarity,
  fivePoints,
  invert,
  transformPoints,
} from '../../src/worker/stages/alignTransform.ts';
import { pointDistance } from '../../src/worker/stages/landmarksConsensus.ts';

/** x0,y0,… of the 68 points of a frontal head, in eye distances. */
export type HeadShape = Float32Array;

export interface HeadFit {
  /** Degrees, sign as in `Pose`. The landmark network answers with at most about 65° whatever it is shown. */
  readonly yaw: number;
  /** The five points of the fitted head, in picture pixels. */
  readonly five: FivePoints;
}

/** The jaw is left out: its points slide along the outline of a turned head. */
const FIRST_FITTED = 17;
const YAWS = Array.from({ length: 31 }, (_, i) => (i - 15) * 5);
const PITCHES = [-20, -10, 0, 10, 20];

export function meanHead(frontal: readonly Landmarks68[]): HeadShape {
  const mean = new Float32Array(2 * LANDMARK_COUNT);
  for (const landmarks of frontal) {
    headShape(landmarks).forEach((value, i) => {
      mean[i]! += value / frontal.length;
    });
  }
  return mean;
}

/** The 68 points of the turned head, seen from far away. */
export function turnHead(head: HeadShape, yaw: number, pitch = 0): Float32Array {
  const rotate = headRotation(yaw, pitch);
  const turned = new Float32Array(head.length);
  for (let i = 0; i < LANDMARK_COUNT; i++) {
    const [x, y] = rotate(head[2 * i]!, head[2 * i + 1]!, LANDMARK_DEPTH[i]!);
    turned[2 * i] = x;
    turned[2 * i + 1] = y;
  }
  return turned;
}

/** The turn of the head, and its place, that lie closest to the landmarks (over a grid of 5° and 10°). */
export function fitHead(head: HeadShape, points68: Float32Array): HeadFit {
  const inner = points68.subarray(2 * FIRST_FITTED);
  let best: HeadFit = { yaw: 0, five: fivePoints(points68) };
  let smallest = Number.POSITIVE_INFINITY;
  for (const yaw of YAWS) {
    for (const pitch of PITCHES) {
      const turned = turnHead(head, yaw, pitch);
      const toHead = fitSimilarity(inner, turned.subarray(2 * FIRST_FITTED));
      if (toHead === undefined) continue;
      const distance = pointDistance(transformPoints(toHead, inner), turned.subarray(2 * FIRST_FITTED));
      if (distance >= smallest) continue;
      smallest = distance;
      best = { yaw, five: transformPoints(invert(toHead), fivePoints(turned)) };
    }
  }
  return best;
}
