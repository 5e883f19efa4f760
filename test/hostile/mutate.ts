/** Damage to real files: the same seed gives the same damage. */
import { type Random, randomInt, seededRandom } from '../../src/shared/random.ts';

/** Numbers that lengths, counts and offsets go wrong with. */
const EDGES = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** One to eight injuries: changed bits and bytes, edge numbers, cuts, gaps, repeats, pieces moved about. */
export function mutateBytes(original: Uint8Array, seed: number): Buffer {
  const random = seededRandom(seed, 'mutate-bytes');
  let bytes: Buffer = Buffer.from(original);
  // Half of the files have one injury alone: more of them are read further.
  const injuries = random() < 0.5 ? 1 : 1 + randomInt(random, 8);
  for (let i = 0; i < injuries && bytes.length > 0; i++) bytes = injure(bytes, random);
  return bytes;
}

function injure(bytes: Buffer, random: Random): Buffer {
  const at = position(bytes, random);
  switch (randomInt(random, 9)) {
    case 0:
      bytes[at]! ^= 1 << randomInt(random, 8);
      return bytes;
    case 1:
      bytes[at] = randomInt(random, 256);
      return bytes;
    case 2:
      return writeEdge(bytes, at, random);
    case 3:
      return bytes.subarray(0, at);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + randomInt(random, 64))]);
    case 5: {
      const piece = bytes.subarray(at, at + 1 + randomInt(random, 256));
      return Buffer.concat([bytes.subarray(0, at), ...repeated(piece, random), bytes.subarray(at)]);
    }
    case 6: {
      const piece = Buffer.from(bytes.subarray(at, at + 1 + randomInt(random, 64)));
      piece.copy(bytes, position(bytes, random));
      return bytes;
    }
    case 7:
      return bytes.fill(randomInt(random, 256), at, Math.min(bytes.length, at + 1 + randomInt(random, 64)));
    default: {
      const noise = Buffer.from(
        Array.from({ length: 1 + randomInt(random, 32) }, () => randomInt(random, 256)),
      );
      return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
    }
  }
}

/** Every second injury hits the first 512 bytes, where headers are. */
function position(bytes: Buffer, random: Random): number {
  return randomInt(random, random() < 0.5 ? Math.min(512, bytes.length) : bytes.length);
}

function repeated(piece: Buffer, random: Random): Buffer[] {
  return Array.from({ length: 1 + randomInt(random, 16) }, () => piece);
}

function writeEdge(bytes: Buffer, at: number, random: Random): Buffer {
  const value = EDGES[randomInt(random, EDGES.length)]!;
  const width = [1, 2, 4][randomInt(random, 3)]!;
  if (at + width > bytes.length) return bytes;
  if (random() < 0.5) bytes.writeUIntBE(value % 256 ** width, at, width);
  else bytes.writeUIntLE(value % 256 ** width, at, width);
  return bytes;
}
