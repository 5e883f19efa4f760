/**
 * The order of a listing: subject first, then face, both by the bytes of their UTF-8. It is the order of DuckDB,
 * of Parquet statistics and of S3 keys; JavaScript's own `<` differs from it above U+FFFF.
 */
import type { FaceRecord } from '../face.ts';

/** Compares as the UTF-8 bytes of both strings compare. Negative: `a` comes first. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

/** Order of two faces of a listing; 0 only for the same face of the same subject. */
export function compareFaces(
  a: Pick<FaceRecord, 'subjectId' | 'faceId'>,
  b: Pick<FaceRecord, 'subjectId' | 'faceId'>,
): number {
  return compareUtf8(a.subjectId, b.subjectId) || compareUtf8(a.faceId, b.faceId);
}

/** Half of a code point above U+FFFF, whose UTF-8 (four bytes) sorts after every other code unit's. */
function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xe000;
}
