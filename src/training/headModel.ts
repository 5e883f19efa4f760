/**
 * A head in three dimensions, made from the 68 landmarks of a frontal photograph and depths of our own: common
 * anthropometric distances (nose tip about 38 mm before the outer eye corners, jaw at the ear about 62 mm behind
 * them, pupils 63 mm apart), rounded, the same for everybody. Not derived from any 3-D face package.
 *
 * Head frame: origin between the eyes, unit = distance between the eyes, x to the image's right, y down, z towards the
 * camera with 0 at the outer eye corners.
 */
import { LANDMARK_COUNT, type Landmarks68 } from '../shared/face.ts';

/** Depth z of every landmark, 300-W order. */
export const LANDMARK_DEPTH: readonly number[] = [
  // jaw, ear to chin to ear
  ...[-0.98, -0.95, -0.87, -0.76, -0.62, -0.4, -0.16, 0.06, 0.14],
  ...[0.06, -0.16, -0.4, -0.62, -0.76, -0.87, -0.95, -0.98],
  // brows
  ...[-0.08, 0.06, 0.16, 0.21, 0.24, 0.24, 0.21, 0.16, 0.06, -0.08],
  // nose: bridge, nostrils
  ...[0.24, 0.33, 0.46, 0.6, 0.26, 0.34, 0.38, 0.34, 0.26],
  // eyes
  ...[0, 0.08, 0.12, 0.09, 0.11, 0.07, 0.09, 0.12, 0.08, 0, 0.07, 0.11],
  // lips: outer, inner
  ...[0.16, 0.28, 0.37, 0.38, 0.37, 0.28, 0.16, 0.25, 0.32, 0.34, 0.32, 0.25],
  ...[0.18, 0.33, 0.35, 0.33, 0.18, 0.29, 0.31, 0.29],
];

/** Points beyond the landmarks that hold the surface in place: forehead, crown, ears, hair, neck. [x, y, z]. */
export const SURFACE_ANCHORS: readonly (readonly [number, number, number])[] = [
  [0, -0.8, 0.2],
  ...mirrored(0.5, -0.8, 0.08),
  ...mirrored(0.9, -0.8, -0.35),
  [0, -1.3, 0],
  ...mirrored(0.6, -1.3, -0.2),
  ...mirrored(1, -1.2, -0.75),
  [0, -1.75, -0.7],
  ...mirrored(0.6, -1.65, -0.9),
  ...mirrored(1.12, -0.4, -0.8),
  ...mirrored(1.4, -0.6, -1.5),
  ...mirrored(1.25, 0.3, -1.4),
  ...mirrored(1.35, 1.2, -1.4),
  ...mirrored(0.6, 0.6, 0.02),
  ...mirrored(0.85, 0.5, -0.3),
  [0, 2.1, -0.35],
  ...mirrored(0.5, 2, -0.5),
  [0, 2.7, -0.6],
  ...mirrored(0.7, 2.6, -0.75),
  ...mirrored(1.2, 2.2, -1.2),
];

function mirrored(x: number, y: number, z: number): [number, number, number][] {
  return [
    [-x, y, z],
    [x, y, z],
  ];
}

/** Depth of the axis the head turns about. */
const AXIS_DEPTH = -1.2;

/** Where the head frame lies in a picture: p = origin + unit · R(roll) · (x, y). */
export interface HeadFrame {
  readonly originX: number;
  readonly originY: number;
  /** Pixels between the eyes. */
  readonly unit: number;
  /** Radians; direction of the line from the image's left eye to its right eye. */
  readonly roll: number;
}

/** Head frame of a near-frontal face. */
export function headFrame(landmarks: Landmarks68): HeadFrame {
  const left = meanPoint(landmarks, 36, 42);
  const right = meanPoint(landmarks, 42, 48);
  return {
    originX: (left.x + right.x) / 2,
    originY: (left.y + right.y) / 2,
    unit: Math.max(Math.hypot(right.x - left.x, right.y - left.y), 1e-6),
    roll: Math.atan2(right.y - left.y, right.x - left.x),
  };
}

function meanPoint(landmarks: Landmarks68, from: number, to: number): { x: number; y: number } {
  let [x, y] = [0, 0];
  for (let i = from; i < to; i++) {
    x += landmarks[2 * i]! / (to - from);
    y += landmarks[2 * i + 1]! / (to - from);
  }
  return { x, y };
}

/** A point of the picture in the head frame. */
export function toHeadFrame(frame: HeadFrame, px: number, py: number): { x: number; y: number } {
  const [dx, dy] = [(px - frame.originX) / frame.unit, (py - frame.originY) / frame.unit];
  const [cos, sin] = [Math.cos(frame.roll), Math.sin(frame.roll)];
  return { x: dx * cos + dy * sin, y: dy * cos - dx * sin };
}

/** The landmarks of a near-frontal face in the head frame, x0,y0,x1,y1…: roll, place and size are gone. */
export function headShape(landmarks: Landmarks68): Float32Array {
  const frame = headFrame(landmarks);
  const shape = new Float32Array(2 * LANDMARK_COUNT);
  for (let i = 0; i < LANDMARK_COUNT; i++) {
    const { x, y } = toHeadFrame(frame, landmarks[2 * i]!, landmarks[2 * i + 1]!);
    shape[2 * i] = x;
    shape[2 * i + 1] = y;
  }
  return shape;
}

export type Rotation = (x: number, y: number, z: number) => [x: number, y: number, z: number];

/** Turns points of the head frame: yaw > 0 to the image's right, pitch > 0 up; degrees. */
export function headRotation(yaw: number, pitch: number): Rotation {
  const [cosYaw, sinYaw] = [Math.cos((yaw * Math.PI) / 180), Math.sin((yaw * Math.PI) / 180)];
  const [cosPitch, sinPitch] = [Math.cos((pitch * Math.PI) / 180), Math.sin((pitch * Math.PI) / 180)];
  return (x, y, z) => {
    const depth = z - AXIS_DEPTH;
    const turnedX = x * cosYaw + depth * sinYaw;
    const turnedZ = depth * cosYaw - x * sinYaw;
    return [turnedX, y * cosPitch - turnedZ * sinPitch, turnedZ * cosPitch + y * sinPitch + AXIS_DEPTH];
  };
}
