/**
 * A head seen from another side: the head surface (headSurface.ts) is laid under one or several frontal photographs,
 * completed by the skull behind it (skull.ts), turned and drawn again with a depth buffer. The wall behind the person
 * stays behind. Up to about 45° it looks like a photograph; beyond, hair and ears show that they were guessed.
 */
import type { Landmarks68 } from '../shared/face.ts';
import type { Raster } from '../worker/models/raster.ts';
import { type Canvas, drawTriangle, openCanvas, type Paint, type Vertices } from './canvas.ts';
import { foreground } from './foreground.ts';
import { type HeadFrame, headFrame, headRotation, headShape } from './headModel.ts';
import {
  COLUMNS,
  correspondence,
  HEAD_CELLS,
  HEAD_CENTRE,
  HEAD_HEIGHT,
  HEAD_WIDTH,
  headDepth,
  ROWS,
  vertexAt,
  vertexX,
  vertexY,
} from './headSurface.ts';
import { type Lamp, vertexLight } from './lamp.ts';
import { SKULL_CELLS, SKULL_COLUMNS, type Skull, skullOf } from './skull.ts';

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
  /** Without a lamp the light of the photograph turns with the head. */
  render(pose: RenderPose, lamp?: Lamp): Raster;
}

/** Side of a render, and pixels between the eyes of a frontal one. */
export const RENDER_SIDE = 360;
export const RENDER_UNIT = 72;
/** Where the middle between the eyes lies in a render, pixels from the top; from the left it is the middle. */
export const RENDER_EYE_LINE = 0.42 * RENDER_SIDE;

/** The person of a photograph. */
export function openPoseRenderer(picture: Raster, landmarks: Landmarks68): PoseRenderer {
  return openHeadRenderer({
    textures: [{ picture, landmarks, weight: () => 1 }],
    shape: headShape(landmarks),
    depthScale: 1,
    background: colourAroundHead(picture, headFrame(landmarks)),
  });
}

export function openHeadRenderer(head: Head): PoseRenderer {
  const face: Face = {
    layers: head.textures.map((texture) => openLayer(texture, head.shape)),
    depth: headDepth(head.shape, head.depthScale),
  };
  const frontal = openCanvas(RENDER_SIDE, head.background);
  drawFace(frontal, face, FRONTAL, undefined);
  const view = {
    canvas: frontal,
    middle: RENDER_SIDE / 2,
    eyeLine: RENDER_EYE_LINE,
    unit: RENDER_UNIT,
  };
  const skull = skullOf(view, (x, y) => face.depth[vertexAt(x, y)]! / head.depthScale);
  const depths = skull.z.map((z) => head.depthScale * z);
  return {
    render: (pose, lamp) => {
      const canvas = openCanvas(RENDER_SIDE, head.background);
      drawSkull(canvas, { ...skull, z: depths }, pose, lamp);
      drawFace(canvas, face, pose, lamp);
      const { width, height, data } = canvas;
      return { width, height, data };
    },
  };
}

const GRID_X = Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => vertexX(i));
const GRID_Y = Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => vertexY(i));
const FRONTAL: RenderPose = { yaw: 0, pitch: 0 };

/** What a photograph shows of a head. */
interface Face {
  readonly layers: readonly Layer[];
  readonly depth: Float32Array;
}

/** A photograph, the place in it of every vertex, and how much of it shows there, > 0. */
interface Layer {
  readonly picture: Raster;
  /** 1: person, 0: wall. */
  readonly person: Uint8Array;
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
    person: foreground(picture, frame),
    u: place.x.map((x, i) => frame.originX + x * cos - place.y[i]! * sin),
    v: place.y.map((y, i) => frame.originY + place.x[i]! * sin + y * cos),
    share: place.x.map((_, i) => weight(vertexX(i), vertexY(i))),
  };
}

function drawFace(canvas: Canvas, { layers, depth }: Face, pose: RenderPose, lamp: Lamp | undefined): void {
  const turned = turnVertices({ x: GRID_X, y: GRID_Y, z: depth }, pose);
  const light = lamp && vertexLight(turned, COLUMNS, lamp);
  const paint: Paint = ([a, b, c], wa, wb, wc, rgb) => {
    rgb.fill(0);
    let [shown, all] = [0, 0];
    for (const { picture, person, u, v, share } of layers) {
      const x = wa * u[a]! + wb * u[b]! + wc * u[c]!;
      const y = wa * v[a]! + wb * v[b]! + wc * v[c]!;
      const weight = wa * share[a]! + wb * share[b]! + wc * share[c]!;
      all += weight;
      if (person[pixelAt(picture, x, y)] === 0) continue;
      shown += weight;
      addPixel(rgb, picture, x, y, weight);
    }
    // Mostly wall: it does not turn with the head.
    if (shown < all / 2) return false;
    const factor = (light ? wa * light[a]! + wb * light[b]! + wc * light[c]! : 1) / shown;
    for (let k = 0; k < 3; k++) rgb[k]! *= factor;
    return true;
  };
  for (const a of HEAD_CELLS) {
    drawTriangle(canvas, turned, [a, a + 1, a + COLUMNS], paint);
    drawTriangle(canvas, turned, [a + 1, a + COLUMNS + 1, a + COLUMNS], paint);
  }
}

function drawSkull(canvas: Canvas, skull: Skull, pose: RenderPose, lamp: Lamp | undefined): void {
  const turned = turnVertices(skull, pose);
  const light = lamp && vertexLight(turned, SKULL_COLUMNS, lamp);
  const { colours } = skull;
  const paint: Paint = ([a, b, c], wa, wb, wc, rgb) => {
    const factor = light ? wa * light[a]! + wb * light[b]! + wc * light[c]! : 1;
    for (let k = 0; k < 3; k++) {
      rgb[k] = factor * (wa * colours[3 * a + k]! + wb * colours[3 * b + k]! + wc * colours[3 * c + k]!);
    }
    return true;
  };
  for (const a of SKULL_CELLS) {
    drawTriangle(canvas, turned, [a, a + 1, a + SKULL_COLUMNS], paint);
    drawTriangle(canvas, turned, [a + 1, a + SKULL_COLUMNS + 1, a + SKULL_COLUMNS], paint);
  }
}

/** Vertices of the head frame in the render. */
function turnVertices(vertices: Vertices, { yaw, pitch }: RenderPose): Vertices {
  const turned = { x: vertices.x.slice(), y: vertices.y.slice(), z: vertices.z.slice() };
  const rotate = headRotation(yaw, pitch);
  // The middle between the eyes stays where it is.
  const [eyesX, eyesY] = rotate(0, 0, 0.1);
  for (let i = 0; i < turned.x.length; i++) {
    const [x, y, z] = rotate(vertices.x[i]!, vertices.y[i]!, vertices.z[i]!);
    turned.x[i] = RENDER_SIDE / 2 + (x - eyesX) * RENDER_UNIT;
    turned.y[i] = RENDER_EYE_LINE + (y - eyesY) * RENDER_UNIT;
    turned.z[i] = z * RENDER_UNIT;
  }
  return turned;
}

function pixelAt({ width, height }: Raster, x: number, y: number): number {
  const column = Math.min(width - 1, Math.max(0, Math.floor(x)));
  return Math.min(height - 1, Math.max(0, Math.floor(y))) * width + column;
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
