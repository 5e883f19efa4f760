/**
 * Chosen faces → 68 landmarks in picture pixels, how sure they are, and the five points that the face is aligned by.
 *
 * The network is asked about several squares, shifted and scaled a little. On a face it can read the answers are the
 * same; on a profile that it cannot, each square brings another invented layout. So the answers that agree best give
 * the landmarks, and how far all of them lie apart says whether they are to be trusted (docs/accuracy.md).
 */
import type { Rejection } from '../../shared/face.ts';
import type { FivePoints } from '../models/detector.ts';
import type { LandmarkNetwork } from '../models/frLandmark.ts';
import type { Box } from '../models/raster.ts';
import { fivePoints } from './alignTransform.ts';
import type { ChosenFace } from './detect.ts';
import { type AgreedPoints, agreedPoints, pointDistance } from './landmarksConsensus.ts';

/** A face with its landmarks. Distances are shares of the side of the face's square. */
export interface LocatedFace extends ChosenFace {
  /** 68 points x0,y0,… in picture pixels, 300-W order. */
  readonly points68: Float32Array;
  /** How far the answers for the squares lie apart (root mean square). */
  readonly spread: number;
  /** The points to align by: the detector's own where it gives any that the landmarks confirm, else those of the 68. */
  readonly five: FivePoints;
  /** False where the landmarks deny the detector's own points. */
  readonly confirmed: boolean;
}

/** Shifts of the square, in shares of its side: none, and one in each direction. */
const SHIFTS = [
  [0, 0],
  [0.06, 0],
  [-0.06, 0],
  [0, 0.06],
  [0, -0.06],
] as const;
const FIRST_SCALES = [0.95];
const FURTHER_SCALES = [0.85, 1.05];
/** Up to this spread the first answers are enough. */
const SURE_SPREAD = 0.03;
/** Above this spread the landmarks are invented. */
const MAX_SPREAD = 0.1;
/** The landmarks confirm the detector's points up to this spread and this distance. */
const CONFIRMING_SPREAD = 0.06;
const CONFIRMING_DISTANCE = 0.06;

export async function locateLandmarks(
  network: LandmarkNetwork,
  faces: readonly ChosenFace[],
): Promise<LocatedFace[]> {
  const answers = await locateAround(network, faces, FIRST_SCALES);
  const agreed = answers.map((own, i) => agreedPoints(own, faces[i]!.region.width));
  const unsure = agreed.flatMap(({ spread }, i) => (spread > SURE_SPREAD ? [i] : []));
  const further = await locateAround(
    network,
    unsure.map((i) => faces[i]!),
    FURTHER_SCALES,
  );
  unsure.forEach((i, n) => {
    agreed[i] = agreedPoints([...answers[i]!, ...further[n]!], faces[i]!.region.width);
  });
  return faces.map((face, i) => locatedFace(face, agreed[i]!));
}

/** Why a face cannot be aligned by its landmarks, if so. */
export function refuseInvented({ spread }: LocatedFace): Rejection | undefined {
  if (spread <= MAX_SPREAD) return undefined;
  return {
    stage: 'landmarks',
    code: 'unstable-landmarks',
    // Rounded up: what is just above the limit must not read as if it were within it.
    message: `landmarks differ by ${(Math.ceil(1000 * spread) / 1000).toFixed(3)} of the face between nearby squares, expected at most ${MAX_SPREAD}`,
  };
}

async function locateAround(
  network: LandmarkNetwork,
  faces: readonly ChosenFace[],
  scales: readonly number[],
): Promise<Float32Array[][]> {
  if (faces.length === 0) return [];
  const squares = faces.map(({ region }) => squaresAround(region, scales));
  const located = await network.locate(
    faces.flatMap(({ picture }, i) => squares[i]!.map((region) => ({ picture, region }))),
  );
  const each = SHIFTS.length * scales.length;
  return faces.map((_, i) => located.slice(i * each, (i + 1) * each));
}

function squaresAround({ x, y, width }: Box, scales: readonly number[]): Box[] {
  return scales.flatMap((scale) =>
    SHIFTS.map(([right, down]) => {
      const side = width * scale;
      const rest = (width - side) / 2;
      return { x: x + right * width + rest, y: y + down * width + rest, width: side, height: side };
    }),
  );
}

function locatedFace(face: ChosenFace, { points: points68, spread }: AgreedPoints): LocatedFace {
  const side = face.region.width;
  const five = fivePoints(points68);
  if (face.points === undefined) return { ...face, points68, spread, five, confirmed: true };
  const confirmed =
    spread <= CONFIRMING_SPREAD && pointDistance(face.points, five) <= CONFIRMING_DISTANCE * side;
  return { ...face, points68, spread, five: confirmed ? face.points : five, confirmed };
}
