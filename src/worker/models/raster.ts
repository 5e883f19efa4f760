/**
 * Pictures as pixels, and how a region of one becomes a network's input. Coordinates are continuous: pixel i
 * covers [i, i+1), 0 is the left/top edge of the picture, and a region may reach outside (black there).
 */
import { inLevel, levelFor } from './pyramid.ts';

/** RGB picture, 8 bit, interleaved: data.length = width·height·3. Never written to once it is made. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Axis-aligned region in pixels; may reach outside the picture. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** For every output position: the first source pixel and its weights, all of length `taps` and inside the source. */
interface AxisWeights {
  readonly taps: number;
  readonly first: Int32Array;
  readonly weights: Float32Array;
}

/**
 * Triangle filter: bilinear when enlarging, and as wide as the step when shrinking, so that nothing aliases. Source
 * pixels outside [0, sourceSize) have no weight but count in the normalisation: outside is black.
 */
function axisWeights(start: number, length: number, outSize: number, sourceSize: number): AxisWeights {
  const step = length / outSize;
  const support = Math.max(1, step);
  const taps = Math.min(sourceSize, Math.floor(support * 2) + 1);
  const wanted = Math.floor(support * 2) + 1;
  const first = new Int32Array(outSize);
  const weights = new Float32Array(outSize * taps);
  for (let i = 0; i < outSize; i++) {
    const centre = start + (i + 0.5) * step;
    // The first pixel whose centre lies within the support.
    const from = Math.ceil(centre - support - 0.5);
    const inside = Math.max(0, Math.min(from, sourceSize - taps));
    first[i] = inside;
    let total = 0;
    for (let pixel = from; pixel < from + wanted; pixel++) {
      const weight = Math.max(0, 1 - Math.abs(pixel + 0.5 - centre) / support);
      total += weight;
      if (pixel >= 0 && pixel < sourceSize) weights[i * taps + pixel - inside] = weight;
    }
    for (let t = 0; t < taps; t++) weights[i * taps + t]! /= total;
  }
  return { taps, first, weights };
}

/** Resamples a region of a picture to width×height. Answers interleaved RGB, 0–255, not rounded. */
export function resample(picture: Raster, region: Box, width: number, height: number): Float32Array {
  const { level, scale } = levelFor(picture, Math.min(region.width / width, region.height / height));
  const part = inLevel(region, scale);
  const columns = axisWeights(part.x, part.width, width, level.width);
  const rows = axisWeights(part.y, part.height, height, level.height);
  const rowStart = rows.first[0]!;
  const rowEnd = rows.first[height - 1]! + rows.taps;
  const wide = new Float32Array((rowEnd - rowStart) * width * 3);
  for (let y = rowStart; y < rowEnd; y++) {
    resampleLine(level.data, y * level.width * 3, columns, wide, (y - rowStart) * width * 3);
  }
  const result = new Float32Array(width * height * 3);
  const lineSize = width * 3;
  for (let y = 0; y < height; y++) {
    const to = y * lineSize;
    const from = (rows.first[y]! - rowStart) * lineSize;
    addLines(wide, from, rows.weights.subarray(y * rows.taps, (y + 1) * rows.taps), result, to, lineSize);
  }
  return result;
}

/** One line of the picture, shrunk or enlarged sideways. */
function resampleLine(
  data: Uint8Array,
  line: number,
  { taps, first, weights }: AxisWeights,
  target: Float32Array,
  offset: number,
): void {
  let to = offset;
  let w = 0;
  for (let x = 0; x < first.length; x++) {
    let red = 0;
    let green = 0;
    let blue = 0;
    let at = line + first[x]! * 3;
    for (const end = w + taps; w < end; w++, at += 3) {
      const weight = weights[w]!;
      red += weight * data[at]!;
      green += weight * data[at + 1]!;
      blue += weight * data[at + 2]!;
    }
    target[to++] = red;
    target[to++] = green;
    target[to++] = blue;
  }
}

/** The weighted sum of neighbouring lines, four at a time: each pass over the target costs as much as a line. */
function addLines(
  lines: Float32Array,
  from: number,
  weights: Float32Array,
  target: Float32Array,
  to: number,
  size: number,
): void {
  for (let t = 0; t < weights.length; t += 4) {
    const a = weights[t]!;
    const b = weights[t + 1] ?? 0;
    const c = weights[t + 2] ?? 0;
    const d = weights[t + 3] ?? 0;
    if (a === 0 && b === 0 && c === 0 && d === 0) continue;
    const lineA = from + t * size;
    // Lines past the last weight are not there: the first stands in, times zero.
    const lineB = t + 1 < weights.length ? lineA + size : lineA;
    const lineC = t + 2 < weights.length ? lineA + 2 * size : lineA;
    const lineD = t + 3 < weights.length ? lineA + 3 * size : lineA;
    for (let i = 0; i < size; i++) {
      target[to + i]! +=
        a * lines[lineA + i]! + b * lines[lineB + i]! + c * lines[lineC + i]! + d * lines[lineD + i]!;
    }
  }
}

/** Per-channel (value − mean) / std, in the order the network wants its channels. */
export interface Normalisation {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  readonly channelOrder: 'RGB' | 'BGR';
}

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
