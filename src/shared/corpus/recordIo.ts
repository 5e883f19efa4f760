/**
 * The framing of RecordIO files, as dmlc-core's `recordio.h` has it: a record is one part, or several when the
 * magic word occurs in its bytes. A part is
 *
 *     magic 0xced7230a | cflag (upper 3 bits) and length (lower 29) | `length` bytes | zeros up to a multiple of 4
 *
 * all little-endian. cflag: 0 the whole record, 1 its first part, 2 a middle part, 3 its last. Where a part with
 * cflag 1 or 2 ends, the record has the four bytes of the magic word, which the writer left out.
 */

export const RECORD_MAGIC = 0xced7230a;

/** Bytes of a part's head: the magic word, cflag and length. */
export const PART_HEAD_BYTES = 8;

/** A part is at most this long, a record as well (dmlc-core refuses to write more). */
const MAX_RECORD_BYTES = 2 ** 29 - 1;

const WHOLE = 0;
const FIRST = 1;
const MIDDLE = 2;
const LAST = 3;

/** The head of a part that stands where it may. */
export interface PartHead {
  /** Bytes of the part's content. */
  readonly length: number;
  /** Bytes from one head to the next: head, content and padding. */
  readonly span: number;
  /** Whether the record goes on in the part that follows. */
  readonly continues: boolean;
}

/** What is wrong with a record, and at which byte of what was looked at. */
export interface RecordProblem {
  readonly status: 'broken';
  readonly problem: string;
  readonly at: number;
}

/**
 * The head of a part at `at`; `first` says whether a record begins there. Needs 8 bytes there.
 */
export function parsePartHead(bytes: Uint8Array, at: number, first: boolean): PartHead | RecordProblem {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(at, true);
  if (magic !== RECORD_MAGIC) {
    return broken(`expected the magic word ced7230a, found ${magic.toString(16).padStart(8, '0')}`, at);
  }
  const word = view.getUint32(at + 4, true);
  const cflag = word >>> 29;
  const length = word & MAX_RECORD_BYTES;
  const [low, high] = first ? [WHOLE, FIRST] : [MIDDLE, LAST];
  if (cflag < low || cflag > high) {
    return broken(
      `expected ${first ? 'the beginning' : 'the continuation'} of a record (cflag ${low} or ${high}), ` +
        `found cflag ${cflag}`,
      at,
    );
  }
  const continues = cflag === FIRST || cflag === MIDDLE;
  return { length, span: PART_HEAD_BYTES + ((length + 3) & ~3), continues };
}

export function isBroken<T extends object>(found: T | RecordProblem): found is RecordProblem {
  return 'status' in found && found.status === 'broken';
}

/** A record's content: of one part a view, of several a copy with the magic words back in their places. */
export interface RecordContent {
  readonly status: 'ok';
  readonly content: Uint8Array;
}

/** The record that `bytes` are, from the first head to the last padding and not a byte more. */
export function parseRecord(bytes: Uint8Array): RecordContent | RecordProblem {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (let continues = true; continues; ) {
    if (bytes.length - at < PART_HEAD_BYTES) return cut('head of a part', PART_HEAD_BYTES, bytes.length, at);
    const head = parsePartHead(bytes, at, parts.length === 0);
    if (isBroken(head)) return head;
    if (bytes.length - at < head.span) return cut('part', head.span, bytes.length, at);
    parts.push(bytes.subarray(at + PART_HEAD_BYTES, at + PART_HEAD_BYTES + head.length));
    at += head.span;
    continues = head.continues;
  }
  if (at < bytes.length)
    return broken(`expected the record to end, found ${bytes.length - at} more bytes`, at);
  return { status: 'ok', content: parts.length === 1 ? (parts[0] as Uint8Array) : joined(parts) };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const content = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 4 * (parts.length - 1)));
  const view = new DataView(content.buffer);
  let at = 0;
  for (const [i, part] of parts.entries()) {
    if (i > 0) {
      view.setUint32(at, RECORD_MAGIC, true);
      at += 4;
    }
    content.set(part, at);
    at += part.length;
  }
  return content;
}

function cut(what: string, needed: number, end: number, at: number): RecordProblem {
  return broken(`expected ${needed} bytes of the ${what}, found ${Math.max(0, end - at)}`, at);
}

function broken(problem: string, at: number): RecordProblem {
  return { status: 'broken', problem, at };
}
