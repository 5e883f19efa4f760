/** A frontal face of average proportions as 68 landmarks, drawn by hand. */
import type { Landmarks68 } from '../../src/shared/face.ts';

/** Points of the image's left half and the middle, in eye distances from the middle between the eyes. */
const LEFT_JAW = [
  [-1.11, 0.04],
  [-1.1, 0.33],
  [-1.06, 0.62],
  [-1.01, 0.91],
  [-0.92, 1.18],
  [-0.76, 1.41],
  [-0.55, 1.6],
  [-0.3, 1.73],
] as const;
const LEFT_BROW = [
  [-0.92, -0.2],
  [-0.8, -0.36],
  [-0.59, -0.41],
  [-0.37, -0.38],
  [-0.17, -0.29],
] as const;
const LEFT_EYE = [
  [-0.69, 0],
  [-0.57, -0.07],
  [-0.42, -0.07],
  [-0.3, 0.03],
  [-0.43, 0.05],
  [-0.58, 0.05],
] as const;

type Point = readonly [number, number];
const mirror = ([x, y]: Point): Point => [-x, y];

/** Order 300-W; the middle between the eyes at (x, y), `unit` pixels between the eyes. */
export function frontalLandmarks(x: number, y: number, unit: number): Landmarks68 {
  const eye = LEFT_EYE.map(mirror);
  const points: Point[] = [
    ...LEFT_JAW,
    [0, 1.77],
    ...LEFT_JAW.map(mirror).reverse(),
    ...LEFT_BROW,
    ...LEFT_BROW.map(mirror).reverse(),
    ...[-0.06, 0.12, 0.29, 0.47].map((height): Point => [0, height]),
    ...([
      [-0.22, 0.64],
      [-0.11, 0.67],
      [0, 0.69],
      [0.11, 0.67],
      [0.22, 0.64],
    ] as const),
    ...LEFT_EYE,
    ...[3, 2, 1, 0, 5, 4].map((i) => eye[i]!),
    ...mouth(0.37, 0.93, 1.19, 12),
    ...mouth(0.3, 1.03, 1.06, 8),
  ];
  return Float32Array.from(points.flatMap(([px, py]) => [x + px * unit, y + py * unit]));
}

/** A closed curve from the left corner over the upper lip. */
function mouth(halfWidth: number, top: number, bottom: number, count: number): Point[] {
  const middle = 1.06;
  return Array.from({ length: count }, (_, i) => {
    const angle = Math.PI - (2 * Math.PI * i) / count;
    const height = Math.sin(angle);
    return [
      halfWidth * Math.cos(angle),
      height > 0 ? middle - height * (middle - top) : middle - height * (bottom - middle),
    ];
  });
}
