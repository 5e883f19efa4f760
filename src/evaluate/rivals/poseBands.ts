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
  /** Learned when it is asked for the first time: targets need a few bands only. */
  readonly value: () => T;
}

/** The bands that have enough pairs. */
export function learnBands<T>(
  pairs: readonly PosePair[],
  learn: (pairs: readonly PosePair[]) => T,
): Band<T>[] {
  const bands: Band<T>[] = [];
  for (let yaw = -90; yaw <= 90; yaw += STEP) {
    const near = pairs.filter((pair) => Math.abs(pair.yaw - yaw) <= REACH);
    if (near.length < MIN_PAIRS) continue;
    let learned: { readonly value: T } | undefined;
    bands.push({
      yaw,
      value() {
        learned ??= { value: learn(near) };
        return learned.value;
      },
    });
  }
  return bands;
}

/** The nearest band; undefined when there is none. */
export function bandAt<T>(bands: readonly Band<T>[], yaw: number): Band<T> | undefined {
  let best: Band<T> | undefined;
  for (const band of bands) {
    if (best === undefined || Math.abs(band.yaw - yaw) < Math.abs(best.yaw - yaw)) best = band;
  }
  return best;
}
