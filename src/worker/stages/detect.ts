/**
 * Picture → the one face in it that the corpus means, in up to four looks:
 *
 * 1. a glance at the whole picture, where the detector can: enough where faces are found surely and with room around them,
 *    as in most photographs;
 * 2. else the whole picture at the detector's full resolution, judged alike;
 * 3. where none is found, or unsurely, or one that fills the frame: five looks with black margins of growing width, and the
 *    faces they agree on. A face that fills the frame is larger than the default detector's largest anchor: its boxes are
 *    halves and ears there, and one margin alone is a matter of luck (docs/accuracy.md);
 * 4. where still none is found: overlapping tiles, for a face that is too small at the detector's size.
 */
import type { Rejection } from '../../shared/face.ts';
import { type Detection, type Detector, type FivePoints, suppress, type View } from '../models/detector.ts';
import type { Box, Raster } from '../models/raster.ts';
import { agreedFaces } from './detectConsensus.ts';
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

/** A face that reaches over the picture's edge, or is higher than this share of its longer side, fills the frame. */
const FILLS_FRAME = 0.6;
/** A face with room around it scores above this (London: never below .9999); halves and ears score less. */
const SURE_SCORE = 0.98;
/** Margins of the third look, as shares of the longer side. */
const MARGINS = [0.35, 0.5, 0.65, 0.8, 1];
/** Tiles a side of the last look, and how much of a tile its neighbour repeats. */
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
  const look = (
    indices: readonly number[],
    views: (picture: Raster) => View[],
    by: Look = detector.detect,
  ): Promise<Detection[][]> =>
    lookAt(
      by,
      indices.map((i) => pictures[i]!),
      views,
    );
  const doubtful = () => indicesWhere(pictures, (picture, i) => !isSure(picture, found[i]!));
  const wholeLooks = detector.glance === undefined ? [detector.detect] : [detector.glance, detector.detect];
  for (const wholeLook of wholeLooks) {
    const shown = doubtful();
    const seen = await look(shown, wholeView, wholeLook);
    shown.forEach((i, n) => {
      found[i] = seen[n]!;
    });
  }
  const unsure = doubtful();
  const padded = await look(unsure, paddedViews);
  unsure.forEach((i, n) => {
    const agreed = agreedFaces(padded[n]!);
    if (agreed.length > 0) found[i] = agreed;
  });
  const missing = indicesWhere(pictures, (_, i) => found[i]!.length === 0);
  const tiled = await look(missing, tileViews);
  // A face in the overlap of two tiles was found twice.
  missing.forEach((i, n) => {
    found[i] = suppress(tiled[n]!, 0.4);
  });
  return pictures.map((picture, i) => chooseFace(picture, found[i]!));
}

/** The faces of each view, at one of the detector's resolutions. */
type Look = (views: readonly View[]) => Promise<Detection[][]>;

/** Shows the detector the views of each picture, all in one batch; the detections of each picture. */
async function lookAt(
  look: Look,
  pictures: readonly Raster[],
  views: (picture: Raster) => View[],
): Promise<Detection[][]> {
  const asked = pictures.flatMap((picture, i) => views(picture).map((view) => ({ i, view })));
  const found: Detection[][] = pictures.map(() => []);
  if (asked.length === 0) return found;
  const answers = await look(asked.map(({ view }) => view));
  asked.forEach(({ i }, n) => {
    found[i]!.push(...answers[n]!);
  });
  return found;
}

function indicesWhere<T>(items: readonly T[], keep: (item: T, i: number) => boolean): number[] {
  return items.flatMap((item, i) => (keep(item, i) ? [i] : []));
}

/** Whether faces were found, surely, and none of them fills the frame. */
function isSure({ width, height }: Raster, faces: readonly Detection[]): boolean {
  const limit = FILLS_FRAME * Math.max(width, height);
  return (
    faces.length > 0 &&
    faces.every(
      ({ box, score }) =>
        score >= SURE_SCORE &&
        box.height <= limit &&
        box.x >= 0 &&
        box.y >= 0 &&
        box.x + box.width <= width &&
        box.y + box.height <= height,
    )
  );
}

function wholeView(picture: Raster): View[] {
  return [{ picture, region: { x: 0, y: 0, width: picture.width, height: picture.height } }];
}

function paddedViews(picture: Raster): View[] {
  const { width, height } = picture;
  return MARGINS.map((share) => {
    const margin = share * Math.max(width, height);
    return {
      picture,
      region: { x: -margin, y: -margin, width: width + 2 * margin, height: height + 2 * margin },
    };
  });
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
