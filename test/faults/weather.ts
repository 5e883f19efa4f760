/**
 * How bad the way to the store is during a run: faults drawn from a seed, alone and in bursts, until they are used up.
 */
import { randomInt, seededRandom } from '../../src/shared/random.ts';
import type { ProxiedRequest, S3Fault } from './faultProxy.ts';

export const WEATHERS = ['latency', 'resets', 'errors', 'denials', 'cuts', 'drip'] as const;
export type WeatherKind = (typeof WEATHERS)[number];

export interface Weather {
  readonly kinds: readonly WeatherKind[];
  /** Share of requests at which a fault, or a burst of them, begins. */
  readonly rate: number;
  /** Requests hit in all; then the sky is clear, so that every run can end. */
  readonly faults: number;
}

/** Requests of a burst. */
const LONGEST_BURST = 6;

/** The same seed hits the same requests, as far as they come in the same order. */
export function createWeather(
  { kinds, rate, faults }: Weather,
  seed: number,
): (request: ProxiedRequest) => S3Fault | undefined {
  const random = seededRandom(seed, 'weather');
  let left = faults;
  let burst: { readonly kind: WeatherKind; left: number } | undefined;
  return () => {
    if (left <= 0) return undefined;
    if (burst === undefined) {
      if (random() >= rate) return undefined;
      burst = { kind: kinds[randomInt(random, kinds.length)]!, left: 1 + randomInt(random, LONGEST_BURST) };
    }
    left--;
    const { kind } = burst;
    if (--burst.left === 0) burst = undefined;
    return faultOf(kind, random);
  };
}

function faultOf(kind: WeatherKind, random: () => number): S3Fault {
  const either = random() < 0.5;
  switch (kind) {
    case 'latency':
      return { kind: 'delay', ms: 50 + randomInt(random, 700) };
    case 'resets':
      return either ? { kind: 'reset' } : { kind: 'cut-upload' };
    case 'errors':
      return either
        ? { kind: 'refuse', status: 500, code: 'InternalError' }
        : { kind: 'refuse', status: 503, code: 'SlowDown' };
    case 'denials':
      return { kind: 'refuse', status: 403, code: 'AccessDenied' };
    case 'cuts':
      if (random() < 0.4) return { kind: 'lose-answer' };
      return { kind: 'cut-answer', how: either ? 'reset' : 'end' };
    case 'drip':
      return { kind: 'drip', ms: 100 + randomInt(random, 900) };
  }
}
