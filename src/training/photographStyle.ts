/** How a photograph was taken: exposure, grey or colour, resolution. Pictures of one person share a style. */
import { type Random, randomNormal } from '../shared/random.ts';
import type { Raster } from '../worker/models/raster.ts';

export interface PhotographStyle {
  readonly gain: number;
  readonly gamma: number;
  readonly grey: boolean;
  /** Every pixel is the mean of a square of this side, in pixels; 1: sharp. */
  readonly blur: number;
}

const GREY_SHARE = 0.5;
const BLURRED_SHARE = 0.5;
/** Pixels of a render, in which the eyes are 72 apart: down to about 18 between the eyes. */
const MAX_BLUR = 4;

export function randomStyle(random: Random): PhotographStyle {
  return {
    gain: Math.max(0.4, 1 + 0.15 * randomNormal(random)),
    gamma: Math.exp(0.2 * randomNormal(random)),
    grey: random() < GREY_SHARE,
    blur: random() < BLURRED_SHARE ? 1 + (MAX_BLUR - 1) * random() : 1,
  };
}

/** The picture in a style; smaller when it is blurred. */
export function applyStyle(picture: Raster, { gain, gamma, grey, blur }: PhotographStyle): Raster {
  const small = blur > 1 ? shrink(picture, blur) : picture;
  const tone = Uint8Array.from({ length: 256 }, (_, value) =>
    Math.round(255 * Math.min(1, (value / 255) * gain) ** gamma),
  );
  const data = small.data.map((value) => tone[value]!);
  if (grey) {
    for (let i = 0; i < data.length; i += 3) {
      data.fill(0.299 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]! + 0.5, i, i + 3);
    }
  }
  return { ...small, data };
}

/** Each pixel is the mean of the pixels whose centres it covers. */
function shrink({ width, height, data }: Raster, factor: number): Raster {
  const [columns, rows] = [Math.floor(width / factor), Math.floor(height / factor)];
  const sums = new Float64Array(columns * rows * 3);
  const counts = new Float64Array(columns * rows);
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y + 0.5) / factor);
    if (row >= rows) continue;
    for (let x = 0; x < width; x++) {
      const column = Math.floor((x + 0.5) / factor);
      if (column >= columns) continue;
      const at = row * columns + column;
      counts[at]!++;
      for (let k = 0; k < 3; k++) sums[3 * at + k]! += data[3 * (y * width + x) + k]!;
    }
  }
  return {
    width: columns,
    height: rows,
    data: Uint8Array.from(sums, (sum, i) => sum / Math.max(1, counts[Math.floor(i / 3)]!) + 0.5),
  };
}
