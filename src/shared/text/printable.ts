/** Text of unknown origin (file names, other people's messages, damaged files) → one line that is safe to show. */
import { withoutSecrets } from './secrets.ts';

/** Longest message, in UTF-16 units: a damaged file with a hundred thousand unknown keys is one line of a log too. */
export const MAX_MESSAGE = 2_000;

// What moves a terminal's cursor, ends a log line or turns the reading direction.
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** Secrets hidden, control characters as `\x1b`, at most MAX_MESSAGE long. */
export function printable(text: string): string {
  // Cut first, so that a gigabyte is not searched; with room for a secret that lies across the cut.
  const start = text.length > 2 * MAX_MESSAGE ? text.slice(0, 2 * MAX_MESSAGE) : text;
  const line = withoutSecrets(start).replace(UNPRINTABLE, escaped);
  return line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE)}… (${text.length} characters)` : line;
}

function escaped(character: string): string {
  if (character === '\n') return '\\n';
  const code = character.charCodeAt(0);
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
