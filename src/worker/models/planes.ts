/** Pixels as the planes that a network takes: a channel each, normalised. */
import type { PlaneMix } from './pixels.ts';

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
