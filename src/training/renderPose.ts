/**
 * A head seen from another side: the head surface (headSurface.ts) is laid under one or several frontal photographs,
 * turned and drawn again with a depth buffer. Up to about 45° it looks like a photograph; beyond, the far cheek and
 * the side of the head show that they were guessed.
 */
import type { Landmarks68 } from '../shared/face.ts';
import type { Raster } from '../worker/models/raster.ts';
import { type HeadFrame, headFrame, headRotation, headShape } from './headModel.ts';
import {
  COLUMNS,
  correspondence,
  HEAD_CELLS,
  HEAD_CENTRE,
  HEAD_HEIGHT,
  HEAD_WIDTH,
  headDepth,
  vertexX,
  vertexY,
} from './headSurface.ts';

/** Degrees; yaw > 0 to the image's right, pitch > 0 up. */
export interface RenderPose {
  readonly yaw: number;
  readonly pitch: number;
}

export type Colour = readonly [number, number, number];

/** One frontal photograph on the head. */
export interface HeadTexture {
  readonly picture: Raster;
  /** Of the near-frontal face in the picture, in its pixels. */
  readonly landmarks: Landmarks68;
  /** How much of the photograph shows at a place of the head frame, > 0; photographs share by these. */
  readonly weight: (x: number, y: number) => number;
}

/** A head that can be turned; made of one photograph, or of several people's. */
export interface Head {
  readonly textures: readonly HeadTexture[];
  /** 68 × 2 in the head frame. */
  readonly shape: Float32Array;
  /** Factor on the depths of the head model. */
  readonly depthScale: number;
  readonly background: Colour;
}

/** A head prepared for turning; `render` may be called for many poses. */
export interface PoseRenderer {
  render(pose: RenderPose): Raster;
}

/**
 * Depths that make renders most like real turned faces, as a share of the anatomical ones: a camera near the face,
 * hair and a pose meter that reads high all make real pictures look less turned (docs/science.md has the table).
 */
export const RENDER_DEPTH = 0.6;

/** Side of a render and pixels between the eyes in it. */
const SIDE = 360;
const UNIT = 72;
/** Where the middle between the eyes lies in a render, pixels from the top. */
const EYE_LINE = 0.42 * SIDE;

/** The person of a photograph. */
export function openPoseRenderer(picture: Raster, landmarks: Landmarks68): PoseRenderer {
  return openHeadRenderer({
    textures: [{ picture, landmarks, weight: () => 1 }],
    shape: headShape(landmarks),
    depthScale: RENDER_DEPTH,
    background: colourAroundHead(picture, headFrame(landmarks)),
  });
}

export function openHeadRenderer(head: Head): PoseRenderer {
  const depth = headDepth(head.shape, head.depthScale);
  const layers = head.textures.map((texture) => openLayer(texture, head.shape));
  const totals = depth.map((_, i) => layers.reduce((sum, { share }) => sum + share[i]!, 0));
  for (const { share } of layers) for (let i = 0; i < share.length; i++) share[i]! /= totals[i]!;
  return { render: (pose) => drawHead(layers, depth, head.background, pose) };
}

/** A photograph, the place in it of every vertex, and how much of it shows there (0–1). */
interface Layer {
  readonly picture: Raster;
  readonly u: Float32Array;
  readonly v: Float32Array;
  readonly share: Float32Array;
}

function openLayer({ picture, landmarks, weight }: HeadTexture, shape: Float32Array): Layer {
  const frame = headFrame(landmarks);
  const place = correspondence(shape, headShape(landmarks));
  const [cos, sin] = [Math.cos(frame.roll) * frame.unit, Math.sin(frame.roll) * frame.unit];
  return {
    picture,
    u: place.x.map((x, i) => frame.originX + x * cos - place.y[i]! * sin),
    v: place.y.map((y, i) => frame.originY + place.x[i]! * sin + y * cos),
    share: place.x.map((_, i) => weight(vertexX(i), vertexY(i))),
  };
}

/** Vertices in the render. */
interface Turned {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly z: Float32Array;
}

function drawHead(
  layers: readonly Layer[],
  depth: Float32Array,
  background: Colour,
  pose: RenderPose,
): Raster {
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let i = 0; i < SIDE * SIDE; i++) data.set(background, 3 * i);
  const nearest = new Float32Array(SIDE * SIDE).fill(-Infinity);
  const turned = turnVertices(depth, pose);
  for (const a of HEAD_CELLS) {
    drawTriangle(layers, data, nearest, turned, a, a + 1, a + COLUMNS);
    drawTriangle(layers, data, nearest, turned, a + 1, a + COLUMNS + 1, a + COLUMNS);
  }
  return { width: SIDE, height: SIDE, data };
}

function turnVertices(depth: Float32Array, { yaw, pitch }: RenderPose): Turned {
  const turned = { x: depth.slice(), y: depth.slice(), z: depth.slice() };
  const rotate = headRotation(yaw, pitch);
  // The middle between the eyes stays where it is.
  const [eyesX, eyesY] = rotate(0, 0, 0.1);
  depth.forEach((vertexZ, i) => {
    const [x, y, z] = rotate(vertexX(i), vertexY(i), vertexZ);
    turned.x[i] = SIDE / 2 + (x - eyesX) * UNIT;
    turned.y[i] = EYE_LINE + (y - eyesY) * UNIT;
    turned.z[i] = z;
  });
  return turned;
}

/** Draws one textured triangle where it is nearer than what is there. */
function drawTriangle(
  layers: readonly Layer[],
  data: Uint8Array,
  nearest: Float32Array,
  { x, y, z }: Turned,
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
  const rgb = new Float64Array(3);
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
      rgb.fill(0.5);
      for (const { picture, u, v, share } of layers) {
        const pictureX = wa * u[a]! + wb * u[b]! + wc * u[c]!;
        const pictureY = wa * v[a]! + wb * v[b]! + wc * v[c]!;
        addPixel(rgb, picture, pictureX, pictureY, wa * share[a]! + wb * share[b]! + wc * share[c]!);
      }
      data.set(rgb, 3 * pixel);
    }
  }
}

/** Adds `weight` times the bilinear value at a place; outside the picture its edge goes on. */
function addPixel(
  rgb: Float64Array,
  { width, height, data }: Raster,
  x: number,
  y: number,
  weight: number,
): void {
  const cx = Math.min(width - 1, Math.max(0, x - 0.5));
  const cy = Math.min(height - 1, Math.max(0, y - 0.5));
  const [x0, y0] = [Math.floor(cx), Math.floor(cy)];
  const [right, below] = [x0 + 1 < width ? 3 : 0, y0 + 1 < height ? 3 * width : 0];
  const [fx, fy] = [cx - x0, cy - y0];
  const at = 3 * (y0 * width + x0);
  for (let k = 0; k < 3; k++) {
    const upper = data[at + k]! * (1 - fx) + data[at + right + k]! * fx;
    const lower = data[at + below + k]! * (1 - fx) + data[at + below + right + k]! * fx;
    rgb[k]! += weight * (upper * (1 - fy) + lower * fy);
  }
}

/** Median colour around the upper half of the head: the wall behind it, or hair where there is much of it. */
function colourAroundHead(picture: Raster, frame: HeadFrame): Colour {
  const [cos, sin] = [Math.cos(frame.roll) * frame.unit, Math.sin(frame.roll) * frame.unit];
  const samples = Array.from({ length: 46 }, (_, i) => {
    const angle = (i * 4 * Math.PI) / 180;
    const headX = HEAD_WIDTH * Math.cos(angle);
    const headY = HEAD_CENTRE - HEAD_HEIGHT * Math.sin(angle);
    const rgb = new Float64Array(3);
    const x = frame.originX + headX * cos - headY * sin;
    addPixel(rgb, picture, x, frame.originY + headX * sin + headY * cos, 1);
    return rgb;
  });
  const median = (channel: number) =>
    samples.map((rgb) => rgb[channel]!).sort((a, b) => a - b)[samples.length >> 1]!;
  return [median(0), median(1), median(2)];
}

/** A picture as the bytes of a PPM file, which the face pipeline decodes like any photograph. */
export function toPpm({ width, height, data }: Raster): Uint8Array {
  return Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), data]);
}
