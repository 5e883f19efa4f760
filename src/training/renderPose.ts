/**
 * A frontal photograph seen from another side: the head surface (headModel.ts) is laid under the picture, turned and
 * drawn again with a depth buffer. Up to about 45° it looks like a photograph; beyond, the far cheek and the side of
 * the head show that they were guessed.
 */
import { LANDMARK_COUNT, type Landmarks68 } from '../shared/face.ts';
import type { Raster } from '../worker/models/raster.ts';
import {
  type HeadFrame,
  headFrame,
  headRotation,
  headShape,
  LANDMARK_DEPTH,
  SURFACE_ANCHORS,
} from './headModel.ts';
import { thinPlateSurface } from './thinPlate.ts';

/** Degrees; yaw > 0 to the image's right, pitch > 0 up. */
export interface RenderPose {
  readonly yaw: number;
  readonly pitch: number;
}

/** Side of a render and pixels between the eyes in it. */
const SIDE = 360;
const UNIT = 72;
/** Where the middle between the eyes lies in a render, pixels from the top. */
const EYE_LINE = 0.42 * SIDE;
/** Mesh over the head, in head frame units. */
const LEFT = -1.7;
const TOP = -2;
const STEP = 0.04;
const COLUMNS = 86;
const ROWS = 116;
/** Half axes and centre of the ellipse that holds the head and its hair. */
const HEAD_WIDTH = 1.5;
const HEAD_HEIGHT = 2.15;
const HEAD_CENTRE = 0.2;
const MIN_DEPTH = -1.7;
/** Lets the surface differ a little from depths that were rounded. */
const STIFFNESS = 0.01;

/** A photograph prepared for turning; `render` may be called for many poses. */
export interface PoseRenderer {
  render(pose: RenderPose): Raster;
}

/** `landmarks` are those of the near-frontal face in the picture, in its pixels. */
export function openPoseRenderer(picture: Raster, landmarks: Landmarks68): PoseRenderer {
  const frame = headFrame(landmarks);
  const shape = headShape(landmarks);
  const surface = thinPlateSurface(
    [
      ...Array.from(
        { length: LANDMARK_COUNT },
        (_, i) => [shape[2 * i]!, shape[2 * i + 1]!, LANDMARK_DEPTH[i]!] as const,
      ),
      ...SURFACE_ANCHORS,
    ],
    STIFFNESS,
  );
  const depth = new Float32Array(ROWS * COLUMNS);
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      const z = surface(LEFT + column * STEP, TOP + row * STEP);
      depth[row * COLUMNS + column] = Math.min(0.8, Math.max(MIN_DEPTH, z));
    }
  }
  const background = colourAroundHead(picture, frame);
  return { render: (pose) => drawHead(picture, frame, depth, background, pose) };
}

/** Mesh vertices: place in the render, depth, and place in the photograph. */
interface Vertices {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly z: Float32Array;
  readonly u: Float32Array;
  readonly v: Float32Array;
}

function drawHead(
  picture: Raster,
  frame: HeadFrame,
  depth: Float32Array,
  background: readonly [number, number, number],
  pose: RenderPose,
): Raster {
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let i = 0; i < SIDE * SIDE; i++) data.set(background, 3 * i);
  const nearest = new Float32Array(SIDE * SIDE).fill(-Infinity);
  const vertices = placeVertices(frame, depth, pose);
  for (let row = 0; row + 1 < ROWS; row++) {
    for (let column = 0; column + 1 < COLUMNS; column++) {
      if (!insideHead(LEFT + (column + 0.5) * STEP, TOP + (row + 0.5) * STEP)) continue;
      const a = row * COLUMNS + column;
      drawTriangle(picture, data, nearest, vertices, a, a + 1, a + COLUMNS);
      drawTriangle(picture, data, nearest, vertices, a + 1, a + COLUMNS + 1, a + COLUMNS);
    }
  }
  return { width: SIDE, height: SIDE, data };
}

/** Head, hair and neck as seen from the front; what is outside does not turn with the head. */
function insideHead(x: number, y: number): boolean {
  const head = (x / HEAD_WIDTH) ** 2 + ((y - HEAD_CENTRE) / HEAD_HEIGHT) ** 2 < 1;
  const neck = y > 1 && Math.abs(x) < 1;
  return head || neck;
}

function placeVertices(frame: HeadFrame, depth: Float32Array, { yaw, pitch }: RenderPose): Vertices {
  const count = depth.length;
  const vertices = {
    x: new Float32Array(count),
    y: new Float32Array(count),
    z: new Float32Array(count),
    u: new Float32Array(count),
    v: new Float32Array(count),
  };
  const rotate = headRotation(yaw, pitch);
  // The middle between the eyes stays where it is.
  const [eyesX, eyesY] = rotate(0, 0, 0.1);
  const [cos, sin] = [Math.cos(frame.roll) * frame.unit, Math.sin(frame.roll) * frame.unit];
  for (let i = 0; i < count; i++) {
    const headX = LEFT + (i % COLUMNS) * STEP;
    const headY = TOP + Math.floor(i / COLUMNS) * STEP;
    const [x, y, z] = rotate(headX, headY, depth[i]!);
    vertices.x[i] = SIDE / 2 + (x - eyesX) * UNIT;
    vertices.y[i] = EYE_LINE + (y - eyesY) * UNIT;
    vertices.z[i] = z;
    vertices.u[i] = frame.originX + headX * cos - headY * sin;
    vertices.v[i] = frame.originY + headX * sin + headY * cos;
  }
  return vertices;
}

/** Draws one textured triangle where it is nearer than what is there. */
function drawTriangle(
  picture: Raster,
  data: Uint8Array,
  nearest: Float32Array,
  { x, y, z, u, v }: Vertices,
  a: number,
  b: number,
  c: number,
): void {
  const area = (x[b]! - x[a]!) * (y[c]! - y[a]!) - (x[c]! - x[a]!) * (y[b]! - y[a]!);
  // ≤ 0: seen from behind.
  if (area <= 1e-9) return;
  const left = Math.max(0, Math.ceil(Math.min(x[a]!, x[b]!, x[c]!) - 0.5));
  const right = Math.min(SIDE - 1, Math.floor(Math.max(x[a]!, x[b]!, x[c]!) - 0.5));
  const top = Math.max(0, Math.ceil(Math.min(y[a]!, y[b]!, y[c]!) - 0.5));
  const bottom = Math.min(SIDE - 1, Math.floor(Math.max(y[a]!, y[b]!, y[c]!) - 0.5));
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const [px, py] = [column + 0.5, row + 0.5];
      const wa = ((x[b]! - px) * (y[c]! - py) - (x[c]! - px) * (y[b]! - py)) / area;
      const wb = ((x[c]! - px) * (y[a]! - py) - (x[a]! - px) * (y[c]! - py)) / area;
      const wc = 1 - wa - wb;
      if (wa < -1e-6 || wb < -1e-6 || wc < -1e-6) continue;
      const pixel = row * SIDE + column;
      const pixelDepth = wa * z[a]! + wb * z[b]! + wc * z[c]!;
      if (pixelDepth <= nearest[pixel]!) continue;
      nearest[pixel] = pixelDepth;
      const pictureX = wa * u[a]! + wb * u[b]! + wc * u[c]!;
      const pictureY = wa * v[a]! + wb * v[b]! + wc * v[c]!;
      samplePixel(picture, pictureX, pictureY, data, 3 * pixel);
    }
  }
}

/** Bilinear; outside the picture its edge goes on. */
function samplePixel(picture: Raster, x: number, y: number, target: Uint8Array, at: number): void {
  const { width, height, data } = picture;
  const cx = Math.min(width - 1, Math.max(0, x - 0.5));
  const cy = Math.min(height - 1, Math.max(0, y - 0.5));
  const [x0, y0] = [Math.floor(cx), Math.floor(cy)];
  const [x1, y1] = [Math.min(width - 1, x0 + 1), Math.min(height - 1, y0 + 1)];
  const [fx, fy] = [cx - x0, cy - y0];
  for (let channel = 0; channel < 3; channel++) {
    const upper =
      data[3 * (y0 * width + x0) + channel]! * (1 - fx) + data[3 * (y0 * width + x1) + channel]! * fx;
    const lower =
      data[3 * (y1 * width + x0) + channel]! * (1 - fx) + data[3 * (y1 * width + x1) + channel]! * fx;
    target[at + channel] = Math.round(upper * (1 - fy) + lower * fy);
  }
}

/** Median colour around the upper half of the head: the wall behind it, or hair where there is much of it. */
function colourAroundHead(picture: Raster, frame: HeadFrame): [number, number, number] {
  const [cos, sin] = [Math.cos(frame.roll) * frame.unit, Math.sin(frame.roll) * frame.unit];
  const samples: [number[], number[], number[]] = [[], [], []];
  const colour = new Uint8Array(3);
  for (let angle = 0; angle <= 180; angle += 4) {
    const headX = HEAD_WIDTH * Math.cos((angle * Math.PI) / 180);
    const headY = HEAD_CENTRE - HEAD_HEIGHT * Math.sin((angle * Math.PI) / 180);
    const x = frame.originX + headX * cos - headY * sin;
    samplePixel(picture, x, frame.originY + headX * sin + headY * cos, colour, 0);
    samples.forEach((values, channel) => {
      values.push(colour[channel]!);
    });
  }
  return samples.map((values) => values.sort((a, b) => a - b)[values.length >> 1]!) as [
    number,
    number,
    number,
  ];
}

/** A picture as the bytes of a PPM file, which the face pipeline decodes like any photograph. */
export function toPpm({ width, height, data }: Raster): Uint8Array {
  return Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), data]);
}
