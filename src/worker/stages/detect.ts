/**
 * Picture → the one face in it that the corpus means. Three looks, each only at pictures in which the one before
 * found nothing: the whole picture; the picture with a black margin (a face that fills the frame is larger than the
 * detector's largest anchor and has no surroundings); overlapping tiles (a face too small at the detector's size).
 */
import type { Rejection } from '../../shared/face.ts';
import { type Detection, type Detector, type FivePoints, suppress, type View } from '../models/detector.ts';
import type { Box, Raster } from '../models/raster.ts';
import { faceSquare } from './detectSquare.ts';

/** The face that was chosen in a picture. */
export interface ChosenFace extends View {
  /** The square that landmarks and pose are measured on, in picture pixels. */
  readonly region: Box;
  readonly score: number;
  /** How many faces the picture holds. */
  readonly facesFound: number;
  /** Five points of the detector, where it gives any. */
  readonly points?: FivePoints;
}

/** Margin of the second look, as a share of the longer side (30–40 % recovers most faces). */
const MARGIN = 0.35;
/** Tiles a side of the third look, and how much of a tile its neighbour repeats. */
const TILES = 2;
const TILE_OVERLAP = 0.25;
/** Pictures smaller than this on the longer side hold no detail that tiles would show. */
const MIN_TILED_SIDE = 480;

/** Finds the face of every picture. */
export async function detectFaces(
  detector: Detector,
  pictures: readonly Raster[],
): Promise<(ChosenFace | Rejection)[]> {
  const found: Detection[][] = pictures.map(() => []);
  for (const look of [wholeView, paddedView, tileViews]) {
    const missing = found.flatMap((faces, i) => (faces.length === 0 ? [i] : []));
    const asked = missing.flatMap((i) => look(pictures[i]!).map((view) => ({ i, view })));
    if (asked.length === 0) continue;
    const answers = await detector.detect(asked.map(({ view }) => view));
    asked.forEach(({ i }, n) => {
      found[i]!.push(...(answers[n] ?? []));
    });
    // A face in the overlap of two tiles was found twice.
    for (const i of missing) found[i] = suppress(found[i]!, 0.4);
  }
  return pictures.map((picture, i) => chooseFace(picture, found[i]!));
}

function wholeView(picture: Raster): View[] {
  return [{ picture, region: { x: 0, y: 0, width: picture.width, height: picture.height } }];
}

function paddedView(picture: Raster): View[] {
  const margin = MARGIN * Math.max(picture.width, picture.height);
  const { width, height } = picture;
  return [
    { picture, region: { x: -margin, y: -margin, width: width + 2 * margin, height: height + 2 * margin } },
  ];
}

function tileViews(picture: Raster): View[] {
  if (Math.max(picture.width, picture.height) < MIN_TILED_SIDE) return [];
  const share = 1 / (TILES - (TILES - 1) * TILE_OVERLAP);
  const width = picture.width * share;
  const height = picture.height * share;
  const views: View[] = [];
  for (let row = 0; row < TILES; row++) {
    for (let column = 0; column < TILES; column++) {
      const x = (column * (picture.width - width)) / (TILES - 1);
      const y = (row * (picture.height - height)) / (TILES - 1);
      views.push({ picture, region: { x, y, width, height } });
    }
  }
  return views;
}

/** The largest and most central face: area minus twice the squared distance from the middle (InsightFace's rule). */
function chooseFace(picture: Raster, faces: readonly Detection[]): ChosenFace | Rejection {
  const weight = ({ box }: Detection) =>
    box.width * box.height -
    2 *
      ((box.x + box.width / 2 - picture.width / 2) ** 2 + (box.y + box.height / 2 - picture.height / 2) ** 2);
  const [first, ...others] = faces;
  if (first === undefined) {
    return {
      stage: 'detect',
      code: 'no-face',
      message: `no face found in ${picture.width}×${picture.height} pixels`,
    };
  }
  const chosen = others.reduce((best, face) => (weight(face) > weight(best) ? face : best), first);
  const region = faceSquare(chosen);
  if (region === undefined) {
    return { stage: 'detect', code: 'bad-points', message: 'the five points of the face coincide' };
  }
  return {
    picture,
    region,
    score: chosen.score,
    facesFound: faces.length,
    ...(chosen.points && { points: chosen.points }),
  };
}
