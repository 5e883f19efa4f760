/**
 * SHA-256 in hex: what files, models and photographs are told apart by. What is too large for memory is hashed in
 * pieces.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');

/** Of bytes, or of the UTF-8 bytes of a text. */
export function sha256Hex(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}
