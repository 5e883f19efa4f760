/** 95 % bootstrap interval of a mean over persons. */
import { randomInt, seededRandom } from '../../shared/random.ts';
import { mean } from './statistics.ts';

export interface MeanInterval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 1000;

/** `values`: one a person (a person's own mean). Percentile bootstrap; persons are what is drawn. */
export function meanInterval(values: readonly number[], seed: number): MeanInterval {
  const random = seededRandom(seed, 'bootstrap');
  const means = Array.from({ length: RESAMPLES }, () =>
    mean(values.map(() => values[randomInt(random, values.length)]!)),
  ).sort((a, b) => a - b);
  const at = (share: number) => means[Math.round(share * (RESAMPLES - 1))] ?? 0;
  return { value: mean(values), low: at(0.025), high: at(0.975) };
}
