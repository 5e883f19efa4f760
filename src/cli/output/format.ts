/** Numbers, times, sizes and lists of facts as a person reads them on a terminal. */
import { count } from '../../shared/text/counted.ts';

/** 97200 → 1 d 03 h; 3725 → 1 h 02 min; 65 → 1 min 05 s; 4.2 → 4 s. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole >= 86_400) return `${Math.floor(whole / 86_400)} d ${twoDigits((whole % 86_400) / 3600)} h`;
  if (whole >= 3600) return `${Math.floor(whole / 3600)} h ${twoDigits((whole % 3600) / 60)} min`;
  if (whole >= 60) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`;
  return `${whole} s`;
}

function twoDigits(value: number): string {
  return String(Math.floor(value)).padStart(2, '0');
}

/** 254012345 → 254.0 MB, by thousands. */
export function dataSize(bytes: number): string {
  const units = ['kB', 'MB', 'GB', 'TB'] as const;
  const power = Math.min(units.length, Math.max(1, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${(bytes / 1000 ** power).toFixed(1)} ${units[power - 1]}`;
}

/** Facts under a headline: lines with the label, padded to the longest one, and its text. */
export function labelledLines(facts: readonly (readonly [label: string, text: string])[]): string[] {
  const width = Math.max(...facts.map(([label]) => label.length));
  return facts.map(([label, text]) => `  ${label.padEnd(width)}  ${text}`);
}

/** { crashed: 2, 's3-failed': 1200 } → s3-failed 1,200 and crashed 2: the commonest first. */
export function countsByCode(counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([code, found]) => `${code} ${count(found)}`);
}
