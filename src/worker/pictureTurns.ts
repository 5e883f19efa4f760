/**
 * How many photographs go through the stages in one turn on a CPU. A network is cold when its turn comes, and takes
 * some runs to be as fast as it can be: of eight faces a turn a face took 5 % longer than of 32. Pictures that do not
 * fit into memory that is used again cost more than that (docs/decisions/cpu-speed.md).
 */
import { batchesWithin } from './batchesWithin.ts';
import { decodedBytes } from './stages/decode.ts';

/** Faces of a turn at most. */
const TURN_FACES = 32;
/** Bytes of its pictures and their levels: what a picture memory holds. */
export const TURN_BYTES = 32 * 2 ** 20;
/** Of a picture whose header is not read: eight a turn, 128 MB of the largest. */
const UNKNOWN_BYTES = TURN_BYTES / 8;

/**
 * Files, in order, in turns of at most `faces`, and of no more than `bytes` by their headers; a larger one is a turn of
 * its own.
 */
export function pictureTurns<File extends { readonly bytes: Uint8Array }>(
  files: readonly File[],
  { faces = TURN_FACES, bytes = TURN_BYTES }: { readonly faces?: number; readonly bytes?: number } = {},
): File[][] {
  return batchesWithin(
    files,
    { items: faces, size: bytes },
    (file) => decodedBytes(file.bytes) ?? UNKNOWN_BYTES,
  );
}
