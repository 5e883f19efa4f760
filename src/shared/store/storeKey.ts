/** Which keys a store accepts: names that mean the same in a folder, in S3 and in a URL, and stay inside the root. */
import { z } from 'zod';
import { PosecastError } from '../errors.ts';

/** First segment of keys that belong to the store itself. */
export const RESERVED_SEGMENT = '.posecast-tmp';
/** S3's limit, minus room for a prefix. */
const MAX_KEY_BYTES = 900;
/** Of file systems. */
const MAX_SEGMENT_BYTES = 255;

// Control characters, and the characters that are separators or forbidden in file names somewhere.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const FORBIDDEN = /[\u0000-\u001f\u007f\\:*?"<>|]/;

/** Why a key is not acceptable, or undefined when it is. */
export function keyProblem(key: string): string | undefined {
  if (key === '') return 'is empty';
  if (key.startsWith('/')) return 'is absolute';
  if (FORBIDDEN.test(key)) return 'has a control character or one of \\ : * ? " < > |';
  if (/\p{Surrogate}/u.test(key)) return 'is not well-formed Unicode';
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) return `is longer than ${MAX_KEY_BYTES} bytes`;
  const segments = key.split('/');
  if (segments.some((segment) => Buffer.byteLength(segment) > MAX_SEGMENT_BYTES))
    return `has a segment longer than ${MAX_SEGMENT_BYTES} bytes`;
  if (segments.includes('')) return 'has an empty segment';
  if (segments.includes('.') || segments.includes('..')) return "has a segment '.' or '..'";
  if (segments[0] === RESERVED_SEGMENT) return 'is reserved for the store';
  return undefined;
}

/** A key in a file that somebody else may have written. */
export const storeKeySchema = z.string().check(({ value, issues }) => {
  const problem = keyProblem(value);
  if (problem !== undefined) issues.push({ code: 'custom', message: `store key ${problem}`, input: value });
});

/** Returns the key; throws a PosecastError when it is not acceptable. */
export function checkKey(key: string): string {
  const problem = keyProblem(key);
  if (problem !== undefined)
    throw new PosecastError('bad-key', `store key ${problem}`, { key: JSON.stringify(key) });
  return key;
}

/** Order of keys in both stores: by UTF-8 bytes. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
