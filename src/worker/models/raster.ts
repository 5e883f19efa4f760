/**
 * Pictures as pixels, and how a region of one becomes a network's input. Coordinates are continuous: pixel i
 * covers [i, i+1), 0 is the left/top edge of the picture, and a region may reach outside (black there).
 */

import type { PictureMemory } from './pictureMemory.ts';
import { type AxisWeights, type PlaneMix, type WeighedArea, weighArea, weighPlanes } from './pixels.ts';
import { inLevel, levelFor } from './pyramid.ts';

/** RGB picture, 8 bit, interleaved: data.length = width·height·3. Never written to once it is made. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  /** Where its levels go as well (`pyramid.ts`); absent: into memory of their own. */
  readonly memory?: PictureMemory;
}

/** Axis-aligned region in pixels; may reach outside the picture. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The weights of output positions [start, end): the others lie outside the source altogether. Triangle filter: bilinear
 * when enlarging, and as wide as the step when shrinking, so that nothing aliases. Source pixels outside [0, sourceSize)
 * have no weight but count in the normalisation: outside is black.
 */
function axisWeights(
  from: number,
  length: number,
  outSize: number,
  sourceSize: number,
): AxisWeights & { readonly start: number } {
  const step = length / outSize;
  const support = Math.max(1, step);
  const reached = (i: number): boolean => {
    const centre = from + (i + 0.5) * step;
    return centre + support > 0.5 && centre - support < sourceSize - 0.5;
  };
  let start = 0;
  let end = outSize;
  while (start < end && !reached(start)) start++;
  while (end > start && !reached(end - 1)) end--;
  const wanted = Math.floor(support * 2) + 1;
  const taps = Math.min(sourceSize, wanted);
  const first = new Int32Array(end - start);
  const weights = new Float32Array((end - start) * taps);
  for (let i = 0; i < first.length; i++) {
    const centre = from + (start + i + 0.5) * step;
    const nearest = Math.ceil(centre - support - 0.5);
    const inside = Math.max(0, Math.min(nearest, sourceSize - taps));
    first[i] = inside;
    let total = 0;
    for (let pixel = nearest; pixel < nearest + wanted; pixel++) {
      const weight = Math.max(0, 1 - Math.abs(pixel + 0.5 - centre) / support);
      total += weight;
      const t = pixel - inside;
      if (t >= 0 && t < taps) weights[i * taps + t] = weight;
    }
    for (let t = 0; t < taps; t++) weights[i * taps + t]! /= total;
  }
  return { taps, first, weights, start };
}

/** Resamples a region of a picture to width×height. Answers interleaved RGB, 0–255, not rounded. */
export function resample(picture: Raster, region: Box, width: number, height: number): Float32Array {
  const result = new Float32Array(width * height * 3);
  const seen = seenPart(picture, region, width, height);
  if (seen !== undefined) place(weighArea(seen), seen, result, width, 3);
  return result;
}

/**
 * The same as a network's input: one plane [height, width] a mix, at `offset` of a batch.
 */
export function resamplePlanes(
  picture: Raster,
  region: Box,
  [width, height]: readonly [number, number],
  mixes: readonly PlaneMix[],
  target: Float32Array,
  offset: number,
): void {
  const seen = seenPart(picture, region, width, height);
  const planes = seen && weighPlanes(seen, mixes);
  const count = planes === undefined ? 0 : planes.length / mixes.length;
  mixes.forEach(({ shift }, i) => {
    const plane = target.subarray(offset + i * width * height, offset + (i + 1) * width * height);
    if (count < plane.length) plane.fill(shift);
    if (seen !== undefined) place(planes!.subarray(i * count, (i + 1) * count), seen, plane, width, 1);
  });
}

/** What of a region lies inside the picture, and where in the result it goes. */
interface SeenPart extends WeighedArea {
  readonly startColumn: number;
  readonly startRow: number;
}

/** Undefined: the region lies outside altogether. */
function seenPart(picture: Raster, region: Box, width: number, height: number): SeenPart | undefined {
  const { level, scale } = levelFor(picture, Math.min(region.width / width, region.height / height));
  const part = inLevel(region, scale);
  const columns = axisWeights(part.x, part.width, width, level.width);
  const rows = axisWeights(part.y, part.height, height, level.height);
  if (columns.first.length === 0 || rows.first.length === 0) return undefined;
  const left = columns.first[0]!;
  const top = rows.first[0]!;
  return {
    picture: level,
    area: {
      left,
      top,
      width: columns.first.at(-1)! + columns.taps - left,
      height: rows.first.at(-1)! + rows.taps - top,
    },
    columns: startingAt(left, columns),
    rows: startingAt(top, rows),
    startColumn: columns.start,
    startRow: rows.start,
  };
}

/** Copies values of what is seen, `channels` a pixel, to where it lies in lines of `width` pixels. */
function place(
  seen: Float32Array,
  { columns, rows, startColumn, startRow }: SeenPart,
  target: Float32Array,
  width: number,
  channels: number,
): void {
  const lineSize = columns.first.length * channels;
  if (columns.first.length === width) {
    target.set(seen, startRow * lineSize);
    return;
  }
  for (let y = 0; y < rows.first.length; y++) {
    target.set(
      seen.subarray(y * lineSize, (y + 1) * lineSize),
      ((startRow + y) * width + startColumn) * channels,
    );
  }
}

function startingAt(origin: number, { taps, first, weights }: AxisWeights): AxisWeights {
  return { taps, first: first.map((position) => position - origin), weights };
}

/** Per-channel (value − mean) / std, in the order the network wants its channels. */
export interface Normalisation {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  readonly channelOrder: 'RGB' | 'BGR';
}

/** The planes of a normalised picture: (value − mean) / std of one channel each. */
export function normalisedPlanes({ mean, std, channelOrder }: Normalisation): PlaneMix[] {
  const channels = channelOrder === 'RGB' ? RGB : [...RGB].reverse();
  return channels.map((channel, i) => ({
    ...NOTHING,
    [channel]: 1 / std[i]!,
    shift: -mean[i]! / std[i]!,
  }));
}

const RGB = ['red', 'green', 'blue'] as const;
const NOTHING: PlaneMix = { red: 0, green: 0, blue: 0, shift: 0 };

/** Writes interleaved RGB as three normalised planes [3, H, W] at `offset` of a batch. */
export function writePlanes(
  target: Float32Array,
  offset: number,
  pixels: Float32Array | Uint8Array,
  { mean, std, channelOrder }: Normalisation,
): void {
  const size = pixels.length / 3;
  const [red, blue] = channelOrder === 'RGB' ? [0, 2] : [2, 0];
  const [scale0, scale1, scale2] = [1 / std[0], 1 / std[1], 1 / std[2]];
  const [shift0, shift1, shift2] = mean;
  let to = offset;
  for (let at = 0; at < pixels.length; at += 3, to++) {
    target[to] = (pixels[at + red]! - shift0) * scale0;
    target[to + size] = (pixels[at + 1]! - shift1) * scale1;
    target[to + 2 * size] = (pixels[at + blue]! - shift2) * scale2;
  }
}

/** Mirrors planes left to right, in place. */
export function mirrorPlanes(planes: Float32Array, width: number): void {
  for (let line = 0; line < planes.length; line += width) planes.subarray(line, line + width).reverse();
}

/** Left-right mirror of interleaved RGB. */
export function mirrorPixels<T extends Float32Array | Uint8Array>(pixels: T, width: number): T {
  const mirrored = pixels.slice() as T;
  const lineSize = width * 3;
  for (let line = 0; line < pixels.length; line += lineSize) {
    for (let x = 0; x < width; x++) {
      const from = line + x * 3;
      const to = line + (width - 1 - x) * 3;
      mirrored[to] = pixels[from]!;
      mirrored[to + 1] = pixels[from + 1]!;
      mirrored[to + 2] = pixels[from + 2]!;
    }
  }
  return mirrored;
}
