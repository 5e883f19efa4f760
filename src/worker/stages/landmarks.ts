/** Chosen faces → 68 landmarks in picture pixels, and the five points that the face is aligned by. */
import type { FivePoints } from '../models/detector.ts';
import type { LandmarkNetwork } from '../models/frLandmark.ts';
import { fivePoints } from './alignTransform.ts';
import type { ChosenFace } from './detect.ts';

/** A face with its landmarks. */
export interface LocatedFace extends ChosenFace {
  /** 68 points x0,y0,… in picture pixels, 300-W order. */
  readonly points68: Float32Array;
  /** The detector's own five points where it gives any, else those of the 68. */
  readonly five: FivePoints;
}

export async function locateLandmarks(
  network: LandmarkNetwork,
  faces: readonly ChosenFace[],
): Promise<LocatedFace[]> {
  const located = await network.locate(faces);
  return faces.map((face, i) => {
    const points68 = located[i]!;
    return { ...face, points68, five: face.points ?? fivePoints(points68) };
  });
}
