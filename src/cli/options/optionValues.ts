/**
 * Values of options: what was typed → what a command works with. Each parser throws InvalidArgumentError, which
 * commander puts behind the name of the option and what was found there.
 */
import { InvalidArgumentError } from 'commander';
import { MOST_SHARD_FACES, MOST_VARIANTS } from '../../shared/config.ts';

/** As people write numbers: `Number` takes '' for 0, and '0x10' and 'Infinity' as well. */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** NaN for anything but a finite number. */
function decimal(text: string): number {
  const value = DECIMAL.test(text.trim()) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : Number.NaN;
}

/** `expected` and `example` are for the message; `isRight` never sees NaN. */
function numberOption(
  expected: string,
  example: string,
  isRight: (value: number) => boolean,
): (text: string) => number {
  return (text) => {
    const value = decimal(text);
    if (!Number.isNaN(value) && isRight(value)) return value;
    throw new InvalidArgumentError(`Expected ${expected}, such as ${example}.`);
  };
}

const isWhole = (least: number) => (value: number) => Number.isSafeInteger(value) && value >= least;
const isPositive = (value: number) => value > 0;

function wholeNumber(least: number, most: number, example: string, or = ''): (text: string) => number {
  const isRight = (value: number) => isWhole(least)(value) && value <= most;
  return numberOption(`a whole number from ${least} to ${most}${or}`, example, isRight);
}

export const positiveInteger = numberOption('a whole number, 1 or more', '10', isWhole(1));
/** One part is tested with what is learned from the others. */
export const folds = numberOption('a whole number, 2 or more', '4', isWhole(2));
export const naturalNumber = numberOption('a whole number, 0 or more', '10', isWhole(0));
export const variants = wholeNumber(0, MOST_VARIANTS, '10');
export const seed = wholeNumber(0, Number.MAX_SAFE_INTEGER, '1');
export const shardFaces = wholeNumber(1, MOST_SHARD_FACES, '512');
export const cosineSimilarity = numberOption(
  'a cosine similarity from -1 to 1',
  '0.5',
  (cosine) => Math.abs(cosine) <= 1,
);
/** Whether the memory holds so many, `refuseTooManyThreads` says. */
export const threads = wholeNumber(1, 1_000_000, '4');
export const megabytes = numberOption('megabytes, a number above 0', '256', isPositive);
export const photographsPerSecond = numberOption(
  'photographs per second, a number above 0',
  '4000',
  isPositive,
);
export const learningRate = numberOption('a number above 0', '1e-4', isPositive);
export const seconds = numberOption('a number of seconds, 0 to 1000000', '90', (s) => s >= 0 && s <= 1e6);
/** Less than a worker lets pass between two questions for a job, 5 to 10 s, would end one that is only idle. */
export const secondsOfQuiet = numberOption(
  'a number of seconds, 15 to 1000000, since an idle worker asks for a job every 5 to 10 s',
  '900',
  (s) => s >= 15 && s <= 1e6,
);
export const share = numberOption('a share from 0 to 1', '0.5', (part) => part >= 0 && part <= 1);
/** Of what is parted in two: neither part is empty. */
export const innerShare = numberOption('a share between 0 and 1', '0.15', (part) => part > 0 && part < 1);
/** Of a turned head, to either side. */
export const degrees = numberOption('degrees from 0 to 90', '30', (angle) => angle >= 0 && angle <= 90);
export const port = numberOption(
  'a port from 0 to 65535',
  '8080',
  (value) => isWhole(0)(value) && value <= 65_535,
);

/** No shard has more faces. */
const batchFaces = wholeNumber(1, MOST_SHARD_FACES, '32', ', or "probe"');

export function batch(text: string): number | 'probe' {
  return text === 'probe' ? text : batchFaces(text);
}

/** Degrees of yaw, ascending, with commas. */
export function yawKnots(text: string): number[] {
  const knots = text.split(',').map(decimal);
  if (knots.every((knot, i) => Math.abs(knot) <= 90 && (i === 0 || knot > knots[i - 1]!))) return knots;
  throw new InvalidArgumentError('Expected ascending degrees from -90 to 90 with commas, such as -30,0,30.');
}

/** Some of the words, with commas. */
export function wordsOf<T extends string>(words: readonly T[]): (text: string) => T[] {
  return (text) =>
    text.split(',').map((typed) => {
      const word = words.find((known) => known === typed.trim());
      if (word !== undefined) return word;
      throw new InvalidArgumentError(
        `Expected some of ${words.join(', ')} with commas, such as ${words[0]}.`,
      );
    });
}

/**
 * Of places and addresses as well: '', as of a variable that is not set, would be the current folder, or every address
 * of the machine.
 */
export function someText(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('Expected text that is not blank, such as a name or a folder.');
}

/** Texts with commas, none of them blank. */
export function textList(text: string): string[] {
  return text.split(',').map(someText);
}

/** Of an option that may be repeated. */
export function collect(text: string, before: readonly string[]): string[] {
  return [...before, someText(text)];
}
