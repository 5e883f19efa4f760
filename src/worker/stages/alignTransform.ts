/**
 * The similarity (scale, rotation, shift) that brings five points onto the ArcFace template, and the five points of
 * 68. Points are continuous picture coordinates (pixel i covers [i, i+1)).
 */
import type { FivePoints } from '../models/detector.ts';

/** (x, y) → (a·x − b·y + tx, b·x + a·y + ty). */
export interface Similarity {
  readonly a: number;
  readonly b: number;
  readonly tx: number;
  readonly ty: number;
}

/**
 * ArcFace's five points in a 112×112 crop: eyes, nose, mouth corners, image-left first (InsightFace, `face_align`).
 * Published for pixel centres at whole numbers, hence + 0.5.
 */
export const TEMPLATE: FivePoints = Float32Array.of(
  38.2946,
  51.6963,
  73.5318,
  51.5014,
  56.0252,
  71.7366,
  41.5493,
  92.3655,
  70.7299,
  92.2041,
).map((value) => value + 0.5);

/** 300-W indices whose mean is each of the five points: pupils from the lids, nose tip, mouth corners. */
const FIVE_OF_68: readonly (readonly number[])[] = [
  [37, 38, 40, 41],
  [43, 44, 46, 47],
  [30],
  [48, 60],
  [54, 64],
];

/** The five points of 68. */
export function fivePoints(points68: Float32Array): FivePoints {
  const five = new Float32Array(10);
  FIVE_OF_68.forEach((indices, p) => {
    for (const index of indices) {
      five[p * 2]! += points68[index * 2]! / indices.length;
      five[p * 2 + 1]! += points68[index * 2 + 1]! / indices.length;
    }
  });
  return five;
}

/**
 * Least-squares similarity from one point set onto another (Umeyama 1991; in the plane it has this closed form, and
 * never mirrors). Undefined where the source points coincide or are not finite.
 */
export function fitSimilarity(from: Float32Array, to: Float32Array): Similarity | undefined {
  const count = from.length / 2;
  let fromX = 0;
  let fromY = 0;
  let toX = 0;
  let toY = 0;
  for (let i = 0; i < from.length; i += 2) {
    fromX += from[i]! / count;
    fromY += from[i + 1]! / count;
    toX += to[i]! / count;
    toY += to[i + 1]! / count;
  }
  let dot = 0;
  let cross = 0;
  let spread = 0;
  for (let i = 0; i < from.length; i += 2) {
    const x = from[i]! - fromX;
    const y = from[i + 1]! - fromY;
    const u = to[i]! - toX;
    const v = to[i + 1]! - toY;
    dot += x * u + y * v;
    cross += x * v - y * u;
    spread += x * x + y * y;
  }
  const a = dot / spread;
  const b = cross / spread;
  if (!Number.isFinite(a) || !Number.isFinite(b) || a * a + b * b === 0) return undefined;
  return { a, b, tx: toX - a * fromX + b * fromY, ty: toY - b * fromX - a * fromY };
}

/** Transforms points x0,y0,…; a new array. */
export function transformPoints({ a, b, tx, ty }: Similarity, points: Float32Array): Float32Array {
  const moved = new Float32Array(points.length);
  for (let i = 0; i < points.length; i += 2) {
    moved[i] = a * points[i]! - b * points[i + 1]! + tx;
    moved[i + 1] = b * points[i]! + a * points[i + 1]! + ty;
  }
  return moved;
}

/** The similarity that undoes another. */
export function invert({ a, b, tx, ty }: Similarity): Similarity {
  const norm = a * a + b * b;
  return { a: a / norm, b: -b / norm, tx: -(a * tx + b * ty) / norm, ty: (b * tx - a * ty) / norm };
}
