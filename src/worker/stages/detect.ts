/**
 * Picture → the one face in it that the corpus means, in up to five looks:
 *
 * 1. a glance at the whole picture, where the detector can: enough where faces are found surely and with room around
 *    them, and one of them is so large and central that no face too small for a glance would be chosen in its place, as
 *    in most photographs;
 * 2. where a glance finds faces surely, but one fills the frame: glances with black margins of growing width, enough
 *    where all see the same one. A face that fills the frame is larger than the default detector's largest anchor: its
 *    boxes are halves and ears, and one margin alone is a matter of luck (docs/accuracy.md);
 * 3. where a glance finds none, or unsurely, or only small or distant ones: the whole picture at the detector's full
 *    resolution, enough where faces are found surely and with room around them;
 * 4. what is doubtful still: the margins at full resolution, and the faces that most of these looks agree on;
 * 5. where still none is found: overlapping tiles, for a face that is too small at the detector's size.
 *
 * Looks with margins replace the doubtful faces of a picture only: those seen surely and with room around them stay.
 */
import type { Rejection } from '../../shared/face.ts';
import {
  coveredShare,
  type Detection,
  type Detector,
  type FivePoints,
  overlap,
  suppress,
  type View,
} from '../models/detector.ts';
import type { Box, Raster } from '../models/raster.ts';
import { agreedFaces } from './detectConsensus.ts';
import { faceSquare } from './detectSquare.ts';

/** The face that was chosen in a picture. */
export interface ChosenFace extends View {
  /** The square that landmarks and pose are measured on, in picture pixels. */
  readonly region: Box;
  readonly score: number;
  /**
   * How many faces the looks have found: a glance that is enough does not see what is much smaller than the chosen one.
   */
  readonly facesFound: number;
  /** Five points of the detector, where it gives any. */
  readonly points?: FivePoints;
}

/** A face that reaches over the picture's edge, or is higher than this share of its longer side, fills the frame. */
const FILLS_FRAME = 0.6;
/** A face with room around it scores above this (London: never below .9999); halves and ears score less. */
const SURE_SCORE = 0.98;
/**
 * A glance sees faces whose box is as large as a square of this share of the longer side, 24 of its 128 lines: 36 of 36
 * of London and 50 of 50 of ORL, pasted into an empty picture (17 lines: 36 and 45), but of UMIST's profiles 45 of 56.
 */
const GLANCE_SEES = 0.19;
/**
 * A face found with margins of which a sure one covers more than this share is that one again, or a half or an ear of
 * it. A larger one around a sure one is another: the small one is a print on its cap, or a child in front.
 */
const SAME_FACE = 0.5;
/** Margins, as shares of the longer side. */
const MARGINS = [0.35, 0.5, 0.65, 0.8, 1];
/** Boxes of glances that overlap their mean by this much (intersection over union) show the same place. */
const STEADY_OVERLAP = 0.8;
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
  const look = (by: Look, indices: readonly number[], views: (picture: Raster) => View[]) =>
    lookAt(
      by,
      indices.map((i) => pictures[i]!),
      views,
    );
  /** Looks at whole pictures and keeps what is found; those of which it is not sure. */
  const lookAtWhole = async (by: Look, indices: readonly number[]): Promise<number[]> => {
    const seen = await look(by, indices, wholeView);
    indices.forEach((i, n) => {
      found[i] = seen[n]!.flat();
    });
    return indices.filter((i) => !isSure(pictures[i]!, found[i]!));
  };

  let doubtful = [...pictures.keys()];
  let filling: number[] = [];
  if (detector.glance !== undefined) {
    const unsure = await lookAtWhole(detector.glance, doubtful);
    doubtful = doubtful.filter((i) => !isSurelyThere(found[i]!) || mayBeOutweighed(pictures[i]!, found[i]!));
    filling = unsure.filter((i) => !doubtful.includes(i));
    const padded = await look(detector.glance, filling, paddedViews);
    const steady = padded.map(steadyFace);
    filling.forEach((i, n) => {
      if (steady[n] !== undefined) found[i] = replaceDoubtful(pictures[i]!, found[i]!, [steady[n]]);
    });
    filling = filling.filter((_, n) => steady[n] === undefined);
  }
  doubtful = [...filling, ...(await lookAtWhole(detector.detect, doubtful))];
  const padded = await look(detector.detect, doubtful, paddedViews);
  doubtful.forEach((i, n) => {
    const agreed = agreedFaces(padded[n]!.flat());
    if (agreed.length > 0) found[i] = replaceDoubtful(pictures[i]!, found[i]!, agreed);
  });
  const missing = [...pictures.keys()].filter((i) => found[i]!.length === 0);
  const tiled = await look(detector.detect, missing, tileViews);
  // A face in the overlap of two tiles was found twice.
  missing.forEach((i, n) => {
    found[i] = suppress(tiled[n]!.flat(), 0.4);
  });
  return pictures.map((picture, i) => chooseFace(picture, found[i]!));
}

/** The faces of each view, at one of the detector's resolutions. */
type Look = (views: readonly View[]) => Promise<Detection[][]>;

/** Shows the detector the views of each picture, all in one batch; for each picture, what is found in each view. */
async function lookAt(
  look: Look,
  pictures: readonly Raster[],
  views: (picture: Raster) => View[],
): Promise<Detection[][][]> {
  const asked = pictures.flatMap((picture, i) => views(picture).map((view) => ({ i, view })));
  const found: Detection[][][] = pictures.map(() => []);
  if (asked.length === 0) return found;
  const answers = await look(asked.map(({ view }) => view));
  asked.forEach(({ i }, n) => {
    found[i]!.push(answers[n]!);
  });
  return found;
}

/** Whether faces were found, surely, and none of them fills the frame. */
function isSure(picture: Raster, faces: readonly Detection[]): boolean {
  return isSurelyThere(faces) && faces.every((face) => hasRoom(picture, face));
}

function isSurelyThere(faces: readonly Detection[]): boolean {
  return faces.length > 0 && faces.every(({ score }) => score >= SURE_SCORE);
}

function hasRoom({ width, height }: Raster, { box }: Detection): boolean {
  return (
    box.height <= FILLS_FRAME * Math.max(width, height) &&
    box.x >= 0 &&
    box.y >= 0 &&
    box.x + box.width <= width &&
    box.y + box.height <= height
  );
}

/** Whether a face that a glance does not see would be chosen, if it were in the middle. */
function mayBeOutweighed(picture: Raster, faces: readonly Detection[]): boolean {
  const unseen = (GLANCE_SEES * Math.max(picture.width, picture.height)) ** 2;
  return faces.every((face) => weightIn(picture, face) < unseen);
}

/** The faces of the whole picture that are beyond doubt, and the others that looks with margins found. */
function replaceDoubtful(
  picture: Raster,
  faces: readonly Detection[],
  withMargins: readonly Detection[],
): Detection[] {
  const sure = faces.filter((face) => isSure(picture, [face]));
  const others = withMargins.filter(
    ({ box }) => !sure.some((face) => coveredShare(box, face.box) > SAME_FACE),
  );
  return [...sure, ...others];
}

/** The one face of every look, where all see it surely and at the same place. */
function steadyFace(looks: readonly Detection[][]): Detection | undefined {
  const faces = looks.flat();
  const [face] = agreedFaces(faces);
  const isSteady =
    face !== undefined &&
    looks.every(({ length }) => length === 1) &&
    faces.every(({ box, score }) => score >= SURE_SCORE && overlap(box, face.box) >= STEADY_OVERLAP);
  return isSteady ? face : undefined;
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

/** How much a face counts: its area minus twice the squared distance from the picture's middle (InsightFace's rule). */
function weightIn(picture: Raster, { box }: Detection): number {
  const right = box.x + box.width / 2 - picture.width / 2;
  const down = box.y + box.height / 2 - picture.height / 2;
  return box.width * box.height - 2 * (right ** 2 + down ** 2);
}

/** The largest and most central face. */
function chooseFace(picture: Raster, faces: readonly Detection[]): ChosenFace | Rejection {
  const [first, ...others] = faces;
  if (first === undefined) {
    return {
      stage: 'detect',
      code: 'no-face',
      message: `no face found in ${picture.width}×${picture.height} pixels`,
    };
  }
  const chosen = others.reduce(
    (best, face) => (weightIn(picture, face) > weightIn(picture, best) ? face : best),
    first,
  );
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
