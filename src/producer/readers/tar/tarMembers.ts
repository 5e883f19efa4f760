/** The members of a tar archive by their headers; bodies are passed over. */

import { BLOCK, parseTarBlock, type TarHeader, untilNul } from '../../../shared/corpus/tarHeader.ts';
import type { ForwardReader } from '../forwardReader.ts';
import { parsePaxRecords } from './paxRecords.ts';

/** Of a pax header or a GNU long name. */
const MAX_EXTENSION_BYTES = 2 ** 20;

export interface TarMember {
  /** Undefined: not UTF-8. */
  readonly name: string | undefined;
  readonly kind: 'file' | 'folder' | 'hard link' | 'symbolic link' | 'sparse file' | 'other';
  /** Where the header of the member starts, in bytes, its pax and GNU headers included. */
  readonly headerOffset: number;
  /** Where its body starts. */
  readonly offset: number;
  readonly size: number;
  /** Of a link. */
  readonly target?: string | undefined;
}

/** Where and why an archive cannot be read on. */
export interface TarDamage {
  readonly offset: number;
  readonly problem: string;
}

export type TarEntry =
  | { readonly kind: 'member'; readonly member: TarMember }
  /** The last entry: the archive is broken off or altered here. */
  | { readonly kind: 'damage'; readonly damage: TarDamage }
  /** The last entry: the archive ended as it should; so many bytes follow that belong to nothing. */
  | { readonly kind: 'end'; readonly bytesAfter: number };

/** What pax and GNU headers say of the member after them. */
interface Extension {
  name?: Uint8Array;
  linkName?: Uint8Array;
  size?: number;
  sparse?: boolean;
}

const SPARSE_KEY = /^GNU\.sparse\./;

/** Members in the order of the archive, then exactly one 'damage' or 'end'. Memory: one header. */
export async function* tarMembers(reader: ForwardReader): AsyncGenerator<TarEntry> {
  const { bytes: total } = reader;
  const global: Extension = {};
  let extension: Extension = {};
  let headerOffset: number | undefined;
  for (let at = 0; ; ) {
    const damage = (problem: string): TarEntry => ({ kind: 'damage', damage: { offset: at, problem } });
    if (at + BLOCK > total) {
      yield damage(
        at >= total
          ? 'expected two empty blocks at the end of the archive, found the end of the file: it is cut short'
          : `expected a header of ${BLOCK} bytes, found the end of the file after ${total - at}`,
      );
      return;
    }
    const block = parseTarBlock(await reader.read(at, BLOCK));
    if (block.kind === 'broken') {
      yield damage(block.problem);
      return;
    }
    if (block.kind === 'empty') {
      if (headerOffset !== undefined) {
        yield damage('expected a member after its pax or GNU header, found the end of the archive');
        return;
      }
      yield await endOf(reader, at);
      return;
    }
    const { header } = block;
    const body = at + BLOCK;
    const isExtension = EXTENSIONS.has(header.type);
    const size = bodySize(header, isExtension ? {} : { ...global, ...extension });
    // The GNU form of sparse files may go on in further headers; everything after them would be misread.
    if (header.type === 'S' && (await reader.read(at, BLOCK))[482] !== 0) {
      yield damage('expected a member stored as it is, found a sparse file with an extended map');
      return;
    }
    const next = body + Math.ceil(size / BLOCK) * BLOCK;
    if (body + size > total) {
      yield damage(`expected ${size} bytes of a member, found the end of the file after ${total - body}`);
      return;
    }
    if (isExtension) {
      if (size > MAX_EXTENSION_BYTES) {
        yield damage(`expected a pax or GNU header of at most ${MAX_EXTENSION_BYTES} bytes, found ${size}`);
        return;
      }
      // Copied: the window moves on.
      const content = Uint8Array.from(await reader.read(body, size));
      const problem = extend(header.type === 'g' ? global : extension, header.type, content);
      if (problem !== undefined) {
        yield damage(problem);
        return;
      }
      headerOffset ??= header.type === 'g' ? undefined : at;
    } else {
      const said: Extension = { ...global, ...extension };
      yield { kind: 'member', member: memberOf(header, said, headerOffset ?? at, body, size) };
      extension = {};
      headerOffset = undefined;
    }
    at = Math.min(next, Math.max(total, body));
  }
}

/** Headers about the next member (x, X, L, K) or all that follow (g). */
const EXTENSIONS: ReadonlySet<string> = new Set(['x', 'X', 'g', 'L', 'K']);

/** Links, folders and devices have no body, whatever their size says. */
function bodySize({ type, size }: TarHeader, said: Extension): number {
  return '123456'.includes(type) ? 0 : (said.size ?? size);
}

/** Adds what a header says; returns what is wrong with it. */
function extend(extension: Extension, type: string, content: Uint8Array): string | undefined {
  if (type === 'L' || type === 'K') {
    extension[type === 'L' ? 'name' : 'linkName'] = untilNul(content);
    return undefined;
  }
  const records = parsePaxRecords(content);
  if (typeof records === 'string') return records;
  for (const [key, value] of records) {
    if (key === 'path') extension.name = value;
    else if (key === 'linkpath') extension.linkName = value;
    else if (SPARSE_KEY.test(key)) extension.sparse = true;
    else if (key === 'size') {
      const text = Buffer.from(value).toString('latin1');
      const size = Number(text);
      if (!/^\d+$/.test(text) || !Number.isSafeInteger(size)) {
        return `expected the size of a member in its pax header, found ${JSON.stringify(text)}`;
      }
      extension.size = size;
    }
  }
  return undefined;
}

function memberOf(
  header: TarHeader,
  said: Extension,
  headerOffset: number,
  offset: number,
  size: number,
): TarMember {
  const name = said.name ?? header.name;
  const kind = said.sparse === true ? 'sparse file' : kindOf(header, name);
  const target =
    kind === 'hard link' || kind === 'symbolic link' ? (said.linkName ?? header.linkName) : undefined;
  return {
    name: utf8(name),
    kind,
    headerOffset,
    offset,
    size,
    ...(target && { target: utf8(target) }),
  };
}

function kindOf({ type }: TarHeader, name: Uint8Array): TarMember['kind'] {
  switch (type) {
    case '0':
    case '7':
      // Before ustar, a folder was a file whose name ends in a slash.
      return name.at(-1) === 0x2f ? 'folder' : 'file';
    case '1':
      return 'hard link';
    case '2':
      return 'symbolic link';
    case '5':
      return 'folder';
    case 'S':
      return 'sparse file';
    default:
      return 'other';
  }
}

/** The second empty block, and whether anything lies behind the padding. */
async function endOf(reader: ForwardReader, at: number): Promise<TarEntry> {
  const second = at + BLOCK;
  if (second + BLOCK > reader.bytes) {
    const problem = 'expected two empty blocks at the end of the archive, found one: it is cut short';
    return { kind: 'damage', damage: { offset: second, problem } };
  }
  if (parseTarBlock(await reader.read(second, BLOCK)).kind !== 'empty') {
    const problem = 'expected a second empty block at the end of the archive, found something else';
    return { kind: 'damage', damage: { offset: second, problem } };
  }
  const rest = second + BLOCK;
  const looked = await reader.read(rest, Math.min(RECORD, reader.bytes - rest));
  const isPadding = looked.every((byte) => byte === 0) && reader.bytes - rest <= MAX_PADDING;
  return { kind: 'end', bytesAfter: isPadding ? 0 : reader.bytes - rest };
}

/** tar fills its archives up to a multiple of 20 blocks, or of what it was told. */
const RECORD = 20 * BLOCK;
const MAX_PADDING = 2 ** 20;

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
