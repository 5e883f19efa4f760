/**
 * Several archives named at once, as WebDataset users write them: `train-{000000..000123}.tar`, `{a,b}/x.tar`,
 * `x.tar::y.tar`. The rules are those of bash (and of Python's braceexpand): ranges of numbers keep leading zeros,
 * count down when the second is smaller, take a step (`{0..10..2}`); letters range too; braces nest; a brace without a
 * comma or a range stays as it is. A file or folder on this disk that is called like a pattern is that one.
 */
import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { ConfigError } from '../errors.ts';

/** More names than any corpus has archives. */
const MAX_NAMES = 1_000_000;

const NUMBERS = /^(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?$/;
const LETTERS = /^([a-zA-Z])\.\.([a-zA-Z])(?:\.\.(-?\d+))?$/;

/** Parts that are read one after the other, as WebDataset joins them. */
const SEPARATOR = '::';

/**
 * Every name that a pattern stands for, in its order.
 * @throws ConfigError when there are more than a million.
 */
export function expandArchives(pattern: string): string[] {
  return existsSync(pattern) ? [pattern] : pattern.split(SEPARATOR).flatMap(expandBraces);
}

/** Whether a name stands for several archives. */
export function isPattern(corpus: string): boolean {
  return (
    (corpus.includes(SEPARATOR) || /[*?]/.test(corpus) || expandBraces(corpus).length > 1) &&
    !existsSync(corpus)
  );
}

/** Applies a function to every part of a pattern. */
export function mapParts(pattern: string, change: (part: string) => string): string {
  return existsSync(pattern) ? change(pattern) : pattern.split(SEPARATOR).map(change).join(SEPARATOR);
}

/**
 * The folder (or s3:// prefix) that all archives of a pattern lie below. Parts absolute.
 * @throws ConfigError when they lie in several buckets, or in a bucket and on a disk.
 */
export function archiveRoot(pattern: string): string {
  if (existsSync(pattern)) return posix.dirname(pattern);
  const folders = pattern.split(SEPARATOR).map((part) => {
    const plain = /^[^{*?]*/.exec(part)?.[0] ?? '';
    return plain.slice(0, plain.lastIndexOf('/') + 1);
  });
  const [first = '', ...others] = folders.map((folder) => folder.split('/').slice(0, -1));
  let common = [...first];
  for (const other of others) {
    let same = 0;
    while (same < common.length && common[same] === other[same]) same++;
    common = common.slice(0, same);
  }
  const root = common.join('/') || '/';
  if (!folders.some((folder) => /^s3:/i.test(folder)) || /^s3:\/\/[^/]/i.test(root)) return root;
  throw new ConfigError(
    'bad-pattern',
    'corpus: expected all archives in one bucket or on one disk, found several',
    {
      corpus: pattern,
    },
  );
}

/** The part of an absolute name below the root. */
export function belowRoot(root: string, name: string): string {
  return root === '/' ? posix.relative('/', name) : name.slice(root.length + 1);
}

/** @throws ConfigError when there are more than a million. */
export function expandBraces(pattern: string): string[] {
  return expand(pattern, pattern);
}

function expand(text: string, whole: string): string[] {
  const found = firstBrace(text);
  if (found === undefined) return [text];
  const { before, choices, after } = found;
  const inner = choices.flatMap((choice) => (found.literal ? [choice] : expand(choice, whole)));
  const rest = expand(after, whole);
  if (inner.length * rest.length > MAX_NAMES) {
    throw new ConfigError('bad-pattern', `corpus pattern: expected at most ${MAX_NAMES} names, found more`, {
      pattern: whole,
    });
  }
  return inner.flatMap((middle) => rest.map((end) => before + middle + end));
}

interface Brace {
  readonly before: string;
  readonly choices: readonly string[];
  readonly after: string;
  /** The choices hold no braces of their own that count. */
  readonly literal: boolean;
}

/** The first brace that stands for several names. */
function firstBrace(text: string): Brace | undefined {
  for (let open = text.indexOf('{'); open >= 0; open = text.indexOf('{', open + 1)) {
    const brace = braceAt(text, open);
    if (brace === undefined) continue;
    const { parts, close } = brace;
    const before = text.slice(0, open);
    const after = text.slice(close + 1);
    if (parts.length > 1) return { before, choices: parts, after, literal: false };
    const range = rangeOf(parts[0] ?? '', text);
    if (range !== undefined) return { before, choices: range, after, literal: true };
  }
  return undefined;
}

/** The comma-separated parts of a brace and where it closes; undefined: it never closes. */
function braceAt(text: string, open: number): { parts: string[]; close: number } | undefined {
  const parts: string[] = [];
  let depth = 0;
  let start = open + 1;
  for (let i = open; i < text.length; i++) {
    const character = text[i];
    if (character === '{') depth++;
    else if (character === '}' && --depth === 0) {
      parts.push(text.slice(start, i));
      return { parts, close: i };
    } else if (character === ',' && depth === 1) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return undefined;
}

function rangeOf(text: string, whole: string): string[] | undefined {
  const numbers = NUMBERS.exec(text);
  if (numbers !== null) {
    const [, from = '', to = '', by] = numbers;
    const padded = [from, to].some((number) => /^-?0\d/.test(number));
    const width = padded ? Math.max(from.length, to.length) : 0;
    return steps(Number(from), Number(to), by, whole).map((value) => padNumber(value, width));
  }
  const letters = LETTERS.exec(text);
  if (letters === null) return undefined;
  const [, from = '', to = '', by] = letters;
  return steps(from.charCodeAt(0), to.charCodeAt(0), by, whole).map((code) => String.fromCharCode(code));
}

/** With leading zeros to the width, which counts the sign. */
function padNumber(value: number, width: number): string {
  const digits = String(Math.abs(value));
  const sign = value < 0 ? '-' : '';
  return sign + digits.padStart(width - sign.length, '0');
}

function steps(from: number, to: number, by: string | undefined, whole: string): number[] {
  const size = Math.abs(Number(by ?? 1)) || 1;
  const count = Math.floor(Math.abs(to - from) / size) + 1;
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || count > MAX_NAMES) {
    throw new ConfigError('bad-pattern', `corpus pattern: expected at most ${MAX_NAMES} names, found more`, {
      pattern: whole,
    });
  }
  const direction = from <= to ? size : -size;
  return Array.from({ length: count }, (_, i) => from + i * direction);
}
