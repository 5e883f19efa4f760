/**
 * The loops over pixels, in WebAssembly (`pixels.wat`): V8 computes one channel of one pixel at a time
 * (docs/decisions/cpu-speed.md). One instance a thread; every call lays its data out from the start of the memory,
 * which is as large as the largest call so far has needed.
 */
import { PIXELS_WASM } from './pixelsWasm.ts';
import type { Raster } from './raster.ts';

interface Exports {
  readonly memory: WebAssembly.Memory;
  columns(
    source: number,
    lineBytes: number,
    rows: number,
    firsts: number,
    weights: number,
    taps: number,
    width: number,
    target: number,
  ): void;
  lines(
    source: number,
    lineBytes: number,
    height: number,
    firsts: number,
    weights: number,
    taps: number,
    target: number,
  ): void;
  plane(
    source: number,
    count: number,
    red: number,
    green: number,
    blue: number,
    shift: number,
    target: number,
  ): void;
  warp(
    source: number,
    lineBytes: number,
    a: number,
    b: number,
    tx: number,
    ty: number,
    samples: number,
    side: number,
    line: number,
    target: number,
  ): void;
  halve(source: number, lineBytes: number, width: number, height: number, target: number): void;
}

const PAGE = 65_536;
/** What a loop may read or write beyond the end of its data: most of the floats that it makes at a time. */
const SLACK = 64;
/** Lines that are summed up sideways at a time. */
const LINES = 4;
/** Bytes of a pixel, of a float, and of a pixel whose channels are floats. */
const RGB = 3;
const FLOAT = 4;
const FLOAT_RGB = 12;
/** What `warp` keeps of a column of the line it is at: seven floats. */
const WARP_COLUMN = 28;

let instance: Exports | undefined;

function kernels(): Exports {
  instance ??= new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(PIXELS_WASM, 'base64')))
    .exports as Exports;
  return instance;
}

/** Places for blocks of these sizes, one behind the other, in a memory that holds them all. */
function layOut(sizes: readonly number[]): { at: number[]; memory: ArrayBuffer } {
  const at: number[] = [];
  let end = 0;
  for (const size of sizes) {
    at.push(end);
    end += Math.ceil((size + SLACK) / 16) * 16;
  }
  const { memory } = kernels();
  const missing = end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  return { at, memory: memory.buffer };
}

/** A rectangle of whole pixels; it may reach outside the picture, where it is black. */
export interface PixelArea {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Copies an area of a picture into `memory` at `at`, line behind line. */
function copyArea(memory: ArrayBuffer, at: number, { width, height, data }: Raster, area: PixelArea): void {
  const target = new Uint8Array(memory, at, area.width * area.height * RGB);
  const left = Math.max(0, area.left);
  const right = Math.min(width, area.left + area.width);
  const top = Math.max(0, area.top);
  const bottom = Math.min(height, area.top + area.height);
  const whole = right - left === area.width && bottom - top === area.height;
  if (!whole) target.fill(0);
  if (right <= left || bottom <= top) return;
  if (whole && area.width === width) {
    target.set(data.subarray(top * width * RGB, bottom * width * RGB));
    return;
  }
  for (let y = top; y < bottom; y++) {
    const line = data.subarray((y * width + left) * RGB, (y * width + right) * RGB);
    target.set(line, ((y - area.top) * area.width + left - area.left) * RGB);
  }
}

/** For output positions 0…n−1 along one axis: the first source position (≥ 0) and `taps` weights each. */
export interface AxisWeights {
  readonly taps: number;
  readonly first: Int32Array;
  readonly weights: Float32Array;
}

/** Pixels of `area`, which lies inside the picture, to be summed up; positions of the weights count from its corner. */
export interface WeighedArea {
  readonly picture: Raster;
  readonly area: PixelArea;
  readonly columns: AxisWeights;
  readonly rows: AxisWeights;
}

/** One value a pixel: red·R + green·G + blue·B + shift. */
export interface PlaneMix {
  readonly red: number;
  readonly green: number;
  readonly blue: number;
  readonly shift: number;
}

/**
 * Weighted sums as interleaved float RGB, columns.first.length × rows.first.length pixels. The view is overwritten by
 * the next call of any function here.
 */
export function weighArea(weighed: WeighedArea): Float32Array {
  const { at, memory, values } = weigh(weighed, []);
  return new Float32Array(memory, at, values);
}

/**
 * The same as planes, one a mix, one behind the other. The view is overwritten by the next call of any function here.
 */
export function weighPlanes(weighed: WeighedArea, mixes: readonly PlaneMix[]): Float32Array {
  const count = weighed.columns.first.length * weighed.rows.first.length;
  const { at, memory, planes } = weigh(weighed, [mixes.length * count * FLOAT]);
  // In order: each is written a little beyond its end.
  mixes.forEach(({ red, green, blue, shift }, i) => {
    kernels().plane(at, count, red, green, blue, shift, planes! + i * count * FLOAT);
  });
  return new Float32Array(memory, planes, mixes.length * count);
}

/** Leaves the sums in the memory at `at`, with room for one more block behind them. */
function weigh(
  { picture, area, columns, rows }: WeighedArea,
  further: readonly number[],
): { at: number; memory: ArrayBuffer; values: number; planes: number | undefined } {
  const [width, height] = [columns.first.length, rows.first.length];
  const wideLine = width * FLOAT_RGB;
  const lines = Math.ceil(area.height / LINES) * LINES;
  const { at, memory } = layOut([
    area.width * lines * RGB,
    columns.first.byteLength,
    columns.weights.byteLength,
    rows.first.byteLength,
    rows.weights.byteLength,
    lines * wideLine,
    height * wideLine,
    ...further,
  ]);
  const [source, columnFirst, columnWeights, rowFirst, rowWeights, wide, target] = at as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  copyArea(memory, source, picture, area);
  const columnBytes = new Int32Array(memory, columnFirst, width);
  for (let x = 0; x < width; x++) columnBytes[x] = columns.first[x]! * RGB;
  const rowBytes = new Int32Array(memory, rowFirst, height);
  for (let y = 0; y < height; y++) rowBytes[y] = rows.first[y]! * wideLine;
  new Float32Array(memory, columnWeights, columns.weights.length).set(columns.weights);
  new Float32Array(memory, rowWeights, rows.weights.length).set(rows.weights);
  const { columns: sideways, lines: downwards } = kernels();
  const lineBytes = area.width * RGB;
  sideways(source, lineBytes, area.height, columnFirst, columnWeights, columns.taps, width, wide);
  downwards(wide, wideLine, height, rowFirst, rowWeights, rows.taps, target);
  return { at: target, memory, values: width * height * 3, planes: at[7] };
}

/** Crop pixel (u, v) → picture position (a·x − b·y + tx, b·x + a·y + ty), counted in pixel centres. */
export interface CropMap {
  readonly a: number;
  readonly b: number;
  readonly tx: number;
  readonly ty: number;
}

/**
 * A square crop, `samples`² bilinear samples a pixel, their mean rounded; black outside the picture. Answers a copy,
 * side × side × 3 bytes; `side` is a multiple of four.
 */
export function warpSquare(picture: Raster, map: CropMap, samples: number, side: number): Uint8Array {
  const { a, b, tx, ty } = map;
  const xs = [tx, tx + a * side, tx - b * side, tx + (a - b) * side];
  const ys = [ty, ty + b * side, ty + a * side, ty + (a + b) * side];
  // One pixel around the four corners: the right and lower neighbour, and what float32 rounds away.
  const left = Math.floor(Math.min(...xs)) - 1;
  const top = Math.floor(Math.min(...ys)) - 1;
  const area = {
    left,
    top,
    width: Math.ceil(Math.max(...xs)) + 3 - left,
    height: Math.ceil(Math.max(...ys)) + 3 - top,
  };
  const { at, memory } = layOut([area.width * area.height * RGB, side * WARP_COLUMN, side * side * RGB]);
  const [source, line, target] = at as [number, number, number];
  copyArea(memory, source, picture, area);
  kernels().warp(source, area.width * RGB, a, b, tx - left, ty - top, samples, side, line, target);
  return new Uint8Array(memory, target, side * side * RGB).slice();
}

/** The picture at half size: means of 2×2 pixels; the missing half of an odd side is black, as outside is. */
export function halve(picture: Raster): Raster {
  const width = (picture.width + 1) >> 1;
  const height = (picture.height + 1) >> 1;
  const area = { left: 0, top: 0, width: width * 2, height: height * 2 };
  const { at, memory } = layOut([area.width * area.height * RGB, width * height * RGB]);
  const [source, target] = at as [number, number];
  copyArea(memory, source, picture, area);
  kernels().halve(source, area.width * RGB, width, height, target);
  const pixels = new Uint8Array(memory, target, width * height * RGB);
  if (picture.memory === undefined) return { width, height, data: pixels.slice() };
  const data = picture.memory.take(pixels.length);
  data.set(pixels);
  return { width, height, data, memory: picture.memory };
}
