/**
 * Pictures as pixels, and how a region of one becomes a network's input. Coordinates are continuous: pixel i
 * covers [i, i+1), 0 is the left/top edge of the picture, and a region may reach outside (black there).
 */

/** RGB picture, 8 bit, interleaved: data.length = width·height·3. */
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

/** For every output position: the first source pixel and its weights, all of length `taps`. */
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
  const taps = Math.ceil(support * 2) + 1;
  const first = new Int32Array(outSize);
  const weights = new Float32Array(outSize * taps);
  for (let i = 0; i < outSize; i++) {
    const centre = start + (i + 0.5) * step;
    const from = Math.floor(centre - support);
    let total = 0;
    for (let t = 0; t < taps; t++) {
      const weight = Math.max(0, 1 - Math.abs(from + t + 0.5 - centre) / support);
      total += weight;
      weights[i * taps + t] = from + t >= 0 && from + t < sourceSize ? weight : 0;
    }
    for (let t = 0; t < taps; t++) weights[i * taps + t]! /= total;
    first[i] = from;
  }
  return { taps, first, weights };
}

/** Resamples a region of a picture to width×height. Answers interleaved RGB, 0–255, not rounded. */
export function resample(source: Raster, region: Box, width: number, height: number): Float32Array {
  const columns = axisWeights(region.x, region.width, width, source.width);
  const rows = axisWeights(region.y, region.height, height, source.height);
  const rowStart = Math.max(0, rows.first[0] ?? 0);
  const rowEnd = Math.min(source.height, (rows.first[height - 1] ?? 0) + rows.taps);
  const result = new Float32Array(width * height * 3);
  if (rowEnd <= rowStart) return result;
  const { data } = source;

  // Horizontal pass over the source rows that are needed: [rowEnd − rowStart, width, 3].
  const wide = new Float32Array((rowEnd - rowStart) * width * 3);
  for (let y = rowStart; y < rowEnd; y++) {
    const line = y * source.width * 3;
    let to = (y - rowStart) * width * 3;
    for (let x = 0; x < width; x++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      const from = columns.first[x]!;
      const base = x * columns.taps;
      for (let t = 0; t < columns.taps; t++) {
        const weight = columns.weights[base + t]!;
        if (weight === 0) continue;
        const at = line + (from + t) * 3;
        red += weight * data[at]!;
        green += weight * data[at + 1]!;
        blue += weight * data[at + 2]!;
      }
      wide[to++] = red;
      wide[to++] = green;
      wide[to++] = blue;
    }
  }

  const lineSize = width * 3;
  for (let y = 0; y < height; y++) {
    const from = rows.first[y]!;
    const to = y * lineSize;
    for (let t = 0; t < rows.taps; t++) {
      const weight = rows.weights[y * rows.taps + t]!;
      if (weight === 0) continue;
      const line = (from + t - rowStart) * lineSize;
      for (let x = 0; x < lineSize; x++) result[to + x]! += weight * wide[line + x]!;
    }
  }
  return result;
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
  for (let plane = 0; plane < 3; plane++) {
    const channel = channelOrder === 'RGB' ? plane : 2 - plane;
    const shift = mean[plane]!;
    const scale = 1 / std[plane]!;
    const to = offset + plane * size;
    for (let i = 0; i < size; i++) target[to + i] = (pixels[i * 3 + channel]! - shift) * scale;
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
