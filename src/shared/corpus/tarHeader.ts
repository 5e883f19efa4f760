/**
 * One 512-byte header of a tar archive: POSIX.1-1988 ustar, the GNU variant of it, and the v7 form before both (POSIX.1
 * "pax Interchange Format"; GNU tar manual, "Basic Tar Format"). Nothing is believed that the checksum does not cover.
 */

export const BLOCK = 512;

/** Wider than a sum over 512 bytes needs; larger sizes are refused, since arithmetic on them would round. */
const MAX_SIZE = Number.MAX_SAFE_INTEGER;

export interface TarHeader {
  /** Prefix and name of the header as bytes; a pax or GNU header before it may say another. */
  readonly name: Uint8Array;
  /** Bytes of the member that follow, before padding. */
  readonly size: number;
  /** One character: '0' file, '1' hard link, 'x' pax header, 'L' GNU long name… */
  readonly type: string;
  /** What a link leads to, as bytes. */
  readonly linkName: Uint8Array;
}

/** What a block is: a header, one of the two empty blocks at the end, or why it is neither. */
export type TarBlock =
  | { readonly kind: 'header'; readonly header: TarHeader }
  | { readonly kind: 'empty' }
  | { readonly kind: 'broken'; readonly problem: string };

/** @param block 512 bytes. */
export function parseTarBlock(block: Uint8Array): TarBlock {
  if (block.every((byte) => byte === 0)) return { kind: 'empty' };
  const stated = parseNumber(block.subarray(148, 156));
  const [unsigned, signed] = checksums(block);
  if (stated !== unsigned && stated !== signed) {
    const found = stated === undefined ? 'something else than a number' : String(stated);
    return broken(`expected a header with checksum ${unsigned}, found ${found}`);
  }
  const size = parseNumber(block.subarray(124, 136));
  if (size === undefined) return broken('expected the size of a member, found something else than a number');
  if (size < 0 || size > MAX_SIZE) return broken(`expected the size of a member, found ${size}`);
  const type = block[156] === 0 ? '0' : String.fromCharCode(block[156]!);
  return {
    kind: 'header',
    header: { name: nameOf(block), size, type, linkName: untilNul(block.subarray(157, 257)) },
  };
}

/** Sum of all bytes with the checksum's own field as blanks; early archives summed signed bytes. */
function checksums(block: Uint8Array): [unsigned: number, signed: number] {
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < BLOCK; i++) {
    const byte = i >= 148 && i < 156 ? 0x20 : block[i]!;
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  return [unsigned, signed];
}

/**
 * An octal number with blanks or NULs around it, or, when the first bit is set, a binary one (GNU: two's complement,
 * big-endian). Empty counts as 0, as everywhere. Undefined: neither.
 */
export function parseNumber(field: Uint8Array): number | undefined {
  const first = field[0]!;
  if (first === 0x80 || first === 0xff) {
    let value = first === 0xff ? -1 : 0;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    return value;
  }
  const text = String.fromCharCode(...field);
  const octal = /^ *([0-7]*)[ \0]*$/.exec(text);
  if (octal === null) return undefined;
  return octal[1] === '' ? 0 : Number.parseInt(octal[1]!, 8);
}

/** ustar splits long names at a '/'; the GNU variant keeps other things where the prefix would be. */
function nameOf(block: Uint8Array): Uint8Array {
  const name = untilNul(block.subarray(0, 100));
  const isUstar = String.fromCharCode(...block.subarray(257, 263)) === 'ustar\0';
  const prefix = isUstar ? untilNul(block.subarray(345, 500)) : new Uint8Array(0);
  if (prefix.length === 0) return name;
  const whole = new Uint8Array(prefix.length + 1 + name.length);
  whole.set(prefix);
  whole[prefix.length] = 0x2f;
  whole.set(name, prefix.length + 1);
  return whole;
}

export function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function broken(problem: string): TarBlock {
  return { kind: 'broken', problem };
}
