/**
 * Bootstrap over people: the same person's photographs stand or fall together, so people are drawn, never photographs.
 * All rows use the same draws, which makes differences paired.
 */
import { randomInt, seededRandom } from '../shared/random.ts';
import type { Interval } from './result.ts';

/** A measurement of one row as a function of how often each evaluated person counts. NaN: not defined for these. */
export type Statistic = (weights: Float64Array) => number;

/** How often each of `people` was drawn, in each of `resamples` draws of `people` with replacement. */
export function drawPeople(people: number, resamples: number, seed: number): Float64Array[] {
  const random = seededRandom(seed, 'bootstrap');
  return Array.from({ length: resamples }, () => {
    const weights = new Float64Array(people);
    for (let i = 0; i < people; i++) weights[randomInt(random, people)]! += 1;
    return weights;
  });
}

/** A statistic's value on everybody once, and on every draw. */
export interface Resampled {
  readonly value: number;
  readonly draws: Float64Array;
}

export function resample(statistic: Statistic, draws: readonly Float64Array[]): Resampled {
  return {
    value: statistic(everybodyOnce(draws[0]?.length ?? 0)),
    draws: Float64Array.from(draws, statistic),
  };
}

/** One array a length, so that statistics which remember their answers know it again. */
function everybodyOnce(people: number): Float64Array {
  const known = once.get(people) ?? new Float64Array(people).fill(1);
  once.set(people, known);
  return known;
}

const once = new Map<number, Float64Array>();

/**
 * The draws moved so that the value is their mean, within 0 and 1: for a share that is not linear in the weights, whose
 * draws are biased; their own bias is the estimate of it (Efron and Tibshirani 1993, chapter 10).
 */
export function recentre({ value, draws }: Resampled): Resampled {
  const known = draws.filter(Number.isFinite);
  const bias = known.reduce((sum, draw) => sum + draw, 0) / known.length - value;
  return { value, draws: draws.map((draw) => Math.min(1, Math.max(0, draw - bias))) };
}

/** `a` − `b`, draw by draw. */
export function difference(a: Resampled, b: Resampled): Resampled {
  return { value: a.value - b.value, draws: a.draws.map((value, i) => value - b.draws[i]!) };
}

/** The middle 95 % of the draws; draws without a value are left out. Undefined when the value itself is missing. */
export function interval({ value, draws }: Resampled): Interval | undefined {
  if (!Number.isFinite(value)) return undefined;
  const sorted = draws.filter(Number.isFinite).sort();
  if (sorted.length === 0) return { value, low: value, high: value };
  return { value, low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
}

/** Standard deviation of the draws: the standard error of the value. */
export function standardError({ draws }: Resampled): number {
  const values = draws.filter(Number.isFinite);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

/** Of sorted values, with linear interpolation. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const below = sorted[low] ?? Number.NaN;
  return below + (at - low) * ((sorted[low + 1] ?? below) - below);
}
