/** Numbers as a person reads them. A true minus sign, no more digits than the data carry. */
import type { Interval } from '../result.ts';

/** 0.725 → `72.5 %`. */
export function percent(share: number): string {
  return `${percentNumber(share)}\u202F%`;
}

/** 0.725 → `72.5`, for columns that say % in their head. */
export function percentNumber(share: number): string {
  return minus((100 * share).toFixed(1));
}

/** A difference of shares in percentage points with its sign: 0.083 → `+8.3`. */
export function points(difference: number): string {
  const text = (100 * difference).toFixed(1);
  if (Number(text) === 0) return '0.0';
  return difference > 0 ? `+${text}` : minus(text);
}

/** `+8.3 points [5.1, 11.4]`. */
export function pointsWithInterval(difference: Interval): string {
  return `${points(difference.value)} points ${pointsRange(difference)}`;
}

/** `[+5.1, +11.4]`: the 95 % interval of a difference. */
export function pointsRange({ low, high }: Interval): string {
  return `[${points(low)}, ${points(high)}]`;
}

/** `[61.2, 78.0]`: the 95 % interval of a share. */
export function percentRange({ low, high }: Interval): string {
  return `[${percentNumber(low)}, ${percentNumber(high)}]`;
}

export function degrees(value: number): string {
  return `${minus(String(Math.round(value)))}°`;
}

/** `30–60°`; `76°+` for the last one, which has no upper end that a face could reach. */
export function degreeRange(bin: { readonly from: number; readonly to: number }): string {
  const from = minus(String(Math.round(bin.from)));
  return bin.to > 90 ? `${from}°+` : `${from}–${Math.round(bin.to)}°`;
}

/** 4213000 → `4.2 M`; `–` where there is no such number. */
export function amount(value: number | null, unit = ''): string {
  if (value === null) return '–';
  const step = [
    { size: 1e12, sign: 'T' },
    { size: 1e9, sign: 'G' },
    { size: 1e6, sign: 'M' },
    { size: 1e3, sign: 'k' },
  ].find(({ size }) => value >= size);
  const number = step === undefined ? value : value / step.size;
  const digits = number >= 100 || (step === undefined && Number.isInteger(number)) ? 0 : 1;
  const suffix = `${step?.sign ?? ''}${unit}`;
  return suffix === '' ? number.toFixed(digits) : `${number.toFixed(digits)}\u202F${suffix}`;
}

/** 5400 → `1 h 30 min`, 75 → `75 s`. */
export function duration(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? '';
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

function minus(number: string): string {
  return number.replace('-', '\u2212');
}
