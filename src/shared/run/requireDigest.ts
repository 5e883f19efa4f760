/** Holds a file to the checksum that its commit names. */
import { IntegrityError } from '../errors.ts';
import { sha256Hex } from '../sha256.ts';

/** @param sha256 hex. Throws IntegrityError, with both checksums, when the bytes have another. */
export function requireDigest(bytes: Uint8Array, sha256: string, key: string): void {
  const found = sha256Hex(bytes);
  if (found === sha256) return;
  throw new IntegrityError('checksum', 'file is not the one that was committed', {
    key,
    expected: sha256,
    found,
  });
}
