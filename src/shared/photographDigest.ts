/**
 * What a model card remembers of a training photograph, so that an evaluation can find it again without the card
 * holding a picture: the digest of its bytes, and a difference hash of its aligned crop, which a copy that was
 * renamed, re-encoded or scaled shares almost bit by bit.
 */
import { CROP_SIZE, type FaceCrop } from './face.ts';
import { sha256Hex } from './sha256.ts';

/** Hash bits: COLUMNS − 1 differences in each of ROWS rows. */
const COLUMNS = 17;
const ROWS = 16;
export const CROP_HASH_BITS = (COLUMNS - 1) * ROWS;

/**
 * Crops whose hashes differ in at most this many of 256 bits are taken for copies of one photograph. Measured through
 * the default chain: JPEG at quality 30, WebP, half and double size, grey and brighter copies differ in at most 17 bits
 * (80 London, 120 ORL photographs; turned UMIST faces up to 34, because the detector's box moves); photographs of
 * different people in at least 28 (11,600 pairs), half of them in more than 80.
 */
export const SAME_CROP_BITS = 20;

/** sha256 of a photograph's bytes, hex. */
export function photographDigest(bytes: Uint8Array): string {
  return sha256Hex(bytes);
}

/**
 * 256 bits as 64 hex digits: whether each cell of a 17×16 grid of mean luminance is darker than its right neighbour.
 */
export function cropHash(crop: FaceCrop): string {
  const cells = luminanceCells(crop);
  const bytes = Buffer.alloc(CROP_HASH_BITS / 8);
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column + 1 < COLUMNS; column++) {
      const bit = row * (COLUMNS - 1) + column;
      const cell = row * COLUMNS + column;
      if (cells[cell]! < cells[cell + 1]!) bytes[bit >> 3]! |= 1 << (bit & 7);
    }
  }
  return bytes.toString('hex');
}

/** The bytes of a crop's hash, for comparing it with many others. */
export function cropHashBytes(hash: string): Uint8Array {
  return Buffer.from(hash, 'hex');
}

/** Bits in which two hashes differ, 0–256. */
export function hashDistance(a: Uint8Array, b: Uint8Array): number {
  let distance = 0;
  for (let i = 0; i < a.length; i++) distance += BIT_COUNTS[a[i]! ^ b[i]!]!;
  return distance;
}

const BIT_COUNTS = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);

/** Mean luminance of 17×16 cells; pixels on a border count in both cells by their share. */
function luminanceCells(crop: FaceCrop): Float64Array {
  const cells = new Float64Array(COLUMNS * ROWS);
  const rowShares = axisShares(ROWS);
  const columnShares = axisShares(COLUMNS);
  for (let y = 0; y < CROP_SIZE; y++) {
    for (let x = 0; x < CROP_SIZE; x++) {
      const at = 3 * (y * CROP_SIZE + x);
      const luminance = 0.299 * crop[at]! + 0.587 * crop[at + 1]! + 0.114 * crop[at + 2]!;
      for (const [row, height] of rowShares[y]!) {
        for (const [column, width] of columnShares[x]!)
          cells[row * COLUMNS + column]! += height * width * luminance;
      }
    }
  }
  return cells;
}

/** For every pixel of an axis: the cells that it lies in, with its share of each. */
function axisShares(cells: number): (readonly [number, number])[][] {
  const size = CROP_SIZE / cells;
  return Array.from({ length: CROP_SIZE }, (_, pixel) => {
    const first = Math.floor(pixel / size);
    const boundary = (first + 1) * size;
    if (boundary >= pixel + 1 || first + 1 === cells) return [[first, 1] as const];
    return [[first, boundary - pixel] as const, [first + 1, pixel + 1 - boundary] as const];
  });
}
