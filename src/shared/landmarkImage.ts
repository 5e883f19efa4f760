/** Drawing of landmarks: the autoencoder's input. See docs/decisions/landmark-image.md. */
import { CROP_SIZE, LANDMARK_COUNT, type LandmarkImage, type Landmarks68 } from './face.ts';

/** Contours of the 300-W order: first point, last point, closed or open. */
const CONTOURS: readonly { readonly first: number; readonly last: number; readonly closed: boolean }[] = [
  { first: 0, last: 16, closed: false }, // jaw, image left to image right
  { first: 17, last: 21, closed: false }, // brows
  { first: 22, last: 26, closed: false },
  { first: 27, last: 30, closed: false }, // nose bridge
  { first: 31, last: 35, closed: false }, // nostrils
  { first: 36, last: 41, closed: true }, // eyes
  { first: 42, last: 47, closed: true },
  { first: 48, last: 59, closed: true }, // outer lips
  { first: 60, last: 67, closed: true }, // inner lips
];

/** Half the width of a line in pixels of the drawing. */
const STROKE_RADIUS = 2;
/** Empty border in pixels of the drawing. */
const MARGIN = 4;

/**
 * Draws 68 landmarks as contours on 112×112, values 0 or 1. The square around the landmarks fills the drawing:
 * position and size in the crop are removed, proportions are kept (a turned head is narrower), so yaw, pitch and
 * expression stay readable. A set whose points coincide gives a dot.
 */
export function drawLandmarkImage(landmarks: Landmarks68): LandmarkImage {
  const points = fitToDrawing(landmarks);
  const image: LandmarkImage = new Float32Array(CROP_SIZE * CROP_SIZE);
  for (const { first, last, closed } of CONTOURS) {
    for (let i = first; i < last; i++) drawLine(image, points, i, i + 1);
    if (closed) drawLine(image, points, last, first);
  }
  return image;
}

/** How well two drawings agree, 0–1: pixels above 0.5 in both over those in either; 1 when neither has any. */
export function intersectionOverUnion(a: Float32Array, b: Float32Array): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const [inA, inB] = [a[i]! > 0.5, b[i]! > 0.5];
    if (inA && inB) both++;
    if (inA || inB) either++;
  }
  return either === 0 ? 1 : both / either;
}

/** The 136 coordinates scaled by one factor so that the longer side of their box spans the drawing, centred. */
function fitToDrawing(landmarks: Landmarks68): Float32Array {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < LANDMARK_COUNT; i++) {
    left = Math.min(left, landmarks[2 * i]!);
    right = Math.max(right, landmarks[2 * i]!);
    top = Math.min(top, landmarks[2 * i + 1]!);
    bottom = Math.max(bottom, landmarks[2 * i + 1]!);
  }
  const side = Math.max(right - left, bottom - top, 1e-6);
  const scale = (CROP_SIZE - 1 - 2 * MARGIN) / side;
  const centre = (CROP_SIZE - 1) / 2;
  const points = new Float32Array(2 * LANDMARK_COUNT);
  for (let i = 0; i < LANDMARK_COUNT; i++) {
    points[2 * i] = (landmarks[2 * i]! - (left + right) / 2) * scale + centre;
    points[2 * i + 1] = (landmarks[2 * i + 1]! - (top + bottom) / 2) * scale + centre;
  }
  return points;
}

/** Sets every pixel whose centre is within STROKE_RADIUS of the segment between two points. */
function drawLine(image: LandmarkImage, points: Float32Array, from: number, to: number): void {
  const [ax, ay] = [points[2 * from]!, points[2 * from + 1]!];
  const [bx, by] = [points[2 * to]!, points[2 * to + 1]!];
  const [dx, dy] = [bx - ax, by - ay];
  const lengthSquared = dx * dx + dy * dy;
  const x0 = Math.max(0, Math.ceil(Math.min(ax, bx) - STROKE_RADIUS));
  const x1 = Math.min(CROP_SIZE - 1, Math.floor(Math.max(ax, bx) + STROKE_RADIUS));
  const y0 = Math.max(0, Math.ceil(Math.min(ay, by) - STROKE_RADIUS));
  const y1 = Math.min(CROP_SIZE - 1, Math.floor(Math.max(ay, by) + STROKE_RADIUS));
  for (let y = y0; y <= y1; y++) {
    for (let x = x0; x <= x1; x++) {
      const along =
        lengthSquared === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / lengthSquared));
      const [ex, ey] = [x - ax - along * dx, y - ay - along * dy];
      if (ex * ex + ey * ey <= STROKE_RADIUS * STROKE_RADIUS) image[y * CROP_SIZE + x] = 1;
    }
  }
}
