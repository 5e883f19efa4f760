/** What every face detector of the pipeline takes and answers, and the suppression of overlapping boxes. */
import type { Box, Raster } from './raster.ts';

/** Part of a picture that a detector is shown; it may reach outside (black), which is how padding is asked for. */
export interface View {
  readonly picture: Raster;
  readonly region: Box;
}

/** Five points x0,y0,…,x4,y4 in picture pixels: eye, eye, nose, mouth corner, mouth corner; image-left one first. */
export type FivePoints = Float32Array;

export interface Detection {
  /** Tight box in picture pixels; may reach outside. */
  readonly box: Box;
  /** Confidence, 0–1. */
  readonly score: number;
  /** Where the detector gives points of its own, the face is aligned by them. */
  readonly points?: FivePoints;
}

export interface Detector {
  /** The faces of each view, best score first, in picture pixels. */
  detect(views: readonly View[]): Promise<Detection[][]>;
  /**
   * The same at about half the resolution and a quarter of the cost: for faces that are large in the view. Absent where
   * the detector has one resolution only.
   */
  glance?(views: readonly View[]): Promise<Detection[][]>;
  close(): Promise<void>;
}

/** Intersection over union; over the smaller of the two with `byMinimum` (a box inside another counts as 1). */
export function overlap(a: Box, b: Box, byMinimum = false): number {
  const shared = sharedArea(a, b);
  if (shared === 0) return 0;
  const areaA = a.width * a.height;
  const areaB = b.width * b.height;
  return shared / (byMinimum ? Math.min(areaA, areaB) : areaA + areaB - shared);
}

/** The share of `box`, 0–1, that `cover` covers. */
export function coveredShare(box: Box, cover: Box): number {
  const shared = sharedArea(box, cover);
  return shared === 0 ? 0 : shared / (box.width * box.height);
}

function sharedArea(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width <= 0 || height <= 0 ? 0 : width * height;
}

/** Non-maximum suppression: best score first, whatever overlaps a better one by more than `limit` is dropped. */
export function suppress<T extends { readonly box: Box; readonly score: number }>(
  candidates: readonly T[],
  limit: number,
  byMinimum = false,
): T[] {
  const kept: T[] = [];
  for (const candidate of candidates.toSorted((a, b) => b.score - a.score)) {
    if (!kept.some((better) => overlap(better.box, candidate.box, byMinimum) > limit)) kept.push(candidate);
  }
  return kept;
}

/** The square of side `side` with the centre of `box`. */
export function squareAround(box: Box, side: number): Box {
  return {
    x: box.x + (box.width - side) / 2,
    y: box.y + (box.height - side) / 2,
    width: side,
    height: side,
  };
}
