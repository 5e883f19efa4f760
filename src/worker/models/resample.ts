/**
 * How a region of a picture becomes pixels of another size. A region may reach outside of the picture, where it is
 * black.
 */
import { type AxisWeights, type PlaneMix, type WeighedArea, weighArea, weighPlanes } from './pixels.ts';
import { inLevel, levelFor } from './pyramid.ts';
import type { Box, Raster } from './raster.ts';

/**
 * The weights of output positions [start, end): the others lie outside the source altogether. Triangle filter: bilinear
 * when enlarging, and as wide as the step when shrinking, so that nothing aliases. Source pixels outside [0,
 * sourceSize) have no weight but count in the normalisation: outside is black.
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
