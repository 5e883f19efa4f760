/** From data to pixels, with round ticks. */

export interface Scale {
  /** Pixel of a value. */
  at(value: number): number;
  /** Round values inside the range, ascending. */
  readonly ticks: readonly number[];
  readonly low: number;
  readonly high: number;
}

/** Straight scale from [low, high] to [from, to] pixels; the range is widened to round ticks. */
export function linearScale(
  range: readonly [low: number, high: number],
  pixels: readonly [from: number, to: number],
  wantedTicks = 5,
): Scale {
  const step = roundStep(range[1] - range[0], wantedTicks);
  const low = Math.floor(range[0] / step + 1e-9) * step;
  const high = Math.max(Math.ceil(range[1] / step - 1e-9) * step, low + step);
  const count = Math.round((high - low) / step);
  // 0.30000000000000004 would be printed as it is.
  const ticks = Array.from({ length: count + 1 }, (_, i) => Number((low + i * step).toPrecision(12)));
  return { ...place(low, high, pixels), ticks };
}

/** The same through given ticks, unwidened. */
export function fixedScale(ticks: readonly number[], pixels: readonly [from: number, to: number]): Scale {
  return { ...place(Math.min(...ticks), Math.max(...ticks), pixels), ticks };
}

/** Equal steps for equal factors. Values must be above 0. */
export function logScale(ticks: readonly number[], pixels: readonly [from: number, to: number]): Scale {
  const logs = fixedScale(ticks.map(Math.log10), pixels);
  return {
    at: (value) => logs.at(Math.log10(value)),
    ticks,
    low: Math.min(...ticks),
    high: Math.max(...ticks),
  };
}

function place(low: number, high: number, [from, to]: readonly [number, number]): Omit<Scale, 'ticks'> {
  const width = high - low || 1;
  return { low, high, at: (value) => from + ((value - low) / width) * (to - from) };
}

/** 1, 2, 2.5 or 5 times a power of ten, so that about `wanted` steps cover the width. */
function roundStep(width: number, wanted: number): number {
  const raw = (width > 0 ? width : 1) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const factor = [1, 2, 2.5, 5, 10].find((one) => one * power >= raw * (1 - 1e-9)) ?? 10;
  return factor * power;
}
