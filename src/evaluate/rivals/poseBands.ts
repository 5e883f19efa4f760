/** Pairs by the yaw of their target: a model of its own for each band, so that no form in yaw has to be assumed. */
import type { PosePair } from './posePairs.ts';

/** Degrees between the middles of neighbouring bands. */
const STEP = 15;
/** A band holds pairs up to this far from its middle: neighbours share pairs, and the steps between them are small. */
const REACH = 15;
/** Fewer pairs teach nothing. */
const MIN_PAIRS = 6;

export interface Band<T> {
  /** Degrees. */
  readonly yaw: number;
  readonly value: T;
}

/** One learned value a band that has enough pairs; nearest to frontal first is not promised. */
export function learnBands<T>(
  pairs: readonly PosePair[],
  learn: (pairs: readonly PosePair[]) => T,
): Band<T>[] {
  const bands: Band<T>[] = [];
  for (let yaw = -90; yaw <= 90; yaw += STEP) {
    const near = pairs.filter((pair) => Math.abs(pair.yaw - yaw) <= REACH);
    if (near.length >= MIN_PAIRS) bands.push({ yaw, value: learn(near) });
  }
  return bands;
}

/** The value of the nearest band; undefined when there is none. */
export function bandAt<T>(bands: readonly Band<T>[], yaw: number): T | undefined {
  let best: Band<T> | undefined;
  for (const band of bands) {
    if (best === undefined || Math.abs(band.yaw - yaw) < Math.abs(best.yaw - yaw)) best = band;
  }
  return best?.value;
}
