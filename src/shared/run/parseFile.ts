/** The JSON files of a run: written in one way, read through a strict schema. */
import type { z } from 'zod';
import { describeIssues } from '../config.ts';
import { IntegrityError } from '../errors.ts';

/** Text of a store's file → typed value. Throws IntegrityError naming the key. */
export function parseJsonFile<T>(schema: z.ZodType<T>, bytes: Uint8Array, key: string): T {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new IntegrityError('bad-json', 'file is not JSON', { key, bytes: bytes.length }, error);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new IntegrityError('bad-file', `file is not what was expected: ${describeIssues(parsed.error)}`, {
    key,
  });
}

/** Two-space JSON with a final newline: the same value gives the same bytes. */
export function jsonFile(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}
