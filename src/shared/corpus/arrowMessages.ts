/**
 * The messages of an Arrow IPC file or stream, by their heads: what lies where, without the bodies. Both forms are a row
 * of messages; the footer of a file says where they are, which is seen by going through them. Slot numbers are those of Arrow's format/Message.fbs
 * and Schema.fbs (Apache-2.0).
 */
import { checkBatchMessage, checkSchema, rootTable } from '../table/arrowStructure.ts';
import type { TableBytes } from './sourceTable.ts';

/** `ARROW1` and two bytes of padding, before the messages of a file. */
const FILE_MAGIC = 'ARROW1';
const FILE_START = 8;

/** After a footer: its length and the mark. */
const FOOTER_END = 10;

/** Bytes read for a message's head at first: most are smaller. */
const HEAD_BYTES = 4 * 1024;

/** A larger head is damage: a batch of a thousand columns has one of 50 kB. */
const MAX_HEAD_BYTES = 16 * 2 ** 20;

const SCHEMA = 1;
const DICTIONARY = 2;
const BATCH = 3;

/** A message in the file: its head (mark, length and metadata), then its body. */
export interface MessagePlace {
  readonly at: number;
  readonly headBytes: number;
  readonly bodyBytes: number;
}

export interface BatchPlace extends MessagePlace {
  readonly rows: number;
  /** Offset and length of each buffer in the body. */
  readonly buffers: readonly (readonly [offset: number, length: number])[];
  /** The dictionaries before it: those it may use. */
  readonly dictionaries: number;
}

export interface ArrowMessages {
  /** Absent: a file of apache-arrow for JavaScript, which has the schema in its footer alone. */
  readonly schema?: MessagePlace;
  readonly dictionaries: readonly MessagePlace[];
  readonly batches: readonly BatchPlace[];
}

/** Throws an Error that says what is wrong and at which byte; the caller knows the file. */
export async function arrowMessages(file: TableBytes): Promise<ArrowMessages> {
  const start = await file.read(0, Math.min(FILE_START, file.bytes));
  const isFile = Buffer.from(start).toString('latin1').startsWith(FILE_MAGIC);
  let schema: MessagePlace | undefined;
  const dictionaries: MessagePlace[] = [];
  const batches: BatchPlace[] = [];
  for (let at = isFile ? FILE_START : 0; ; ) {
    const head = await readHead(file, at);
    if (head === undefined) break;
    const message = rootTable(head.view, head.metadata);
    const type = byteAt(head.view, message.at(1));
    const bodyBytes = longAt(head.view, message.at(3));
    const place = { at, headBytes: head.bytes, bodyBytes };
    const next = at + head.bytes + bodyBytes;
    if (next > file.bytes) {
      throw new Error(`message at byte ${at} ends at byte ${next} of ${file.bytes}`);
    }
    if (type === SCHEMA) {
      checkSchema(message.table(2));
      schema ??= place;
    } else if (type === DICTIONARY) {
      checkDictionary(message.table(2)?.table(1));
      dictionaries.push(place);
    } else if (type === BATCH) {
      checkBatchMessage(message);
      const batch = message.table(2);
      if (batch?.at(3) !== undefined) {
        throw new Error(`record batch at byte ${at} is compressed; write it uncompressed, or as Parquet`);
      }
      const buffers = (batch?.structs(2, 16) ?? []).map(
        (buffer) => [longAt(head.view, buffer), longAt(head.view, buffer + 8)] as const,
      );
      for (const [offset, length] of buffers) {
        if (offset + length > bodyBytes)
          throw new Error(`record batch at byte ${at}: a buffer lies outside it`);
      }
      const rows = longAt(head.view, batch?.at(0));
      batches.push({ ...place, rows, buffers, dictionaries: dictionaries.length });
    }
    at = next;
  }
  if (schema === undefined && !isFile) throw new Error('no schema, as an Arrow IPC stream begins with');
  return { ...(schema && { schema }), dictionaries, batches };
}

/** The footer of a file with its length and mark, as they stand at the end. */
export async function arrowFooter(file: TableBytes): Promise<Uint8Array> {
  const end = await file.read(Math.max(0, file.bytes - FOOTER_END), file.bytes);
  if (end.length < FOOTER_END || !Buffer.from(end).toString('latin1').endsWith(FILE_MAGIC)) {
    throw new Error(`no schema, and no footer with one before ${FILE_MAGIC} at the end`);
  }
  const length = viewOf(end).getInt32(0, true);
  const start = file.bytes - FOOTER_END - length;
  if (length < 4 || length > MAX_HEAD_BYTES || start < FILE_START)
    throw new Error(`footer of ${length} bytes`);
  const footer = await file.read(start, file.bytes);
  checkSchema(rootTable(viewOf(footer), 0).table(1));
  return footer;
}

interface Head {
  readonly view: DataView;
  /** Where the metadata begin in `view`. */
  readonly metadata: number;
  readonly bytes: number;
}

/** Undefined: the messages end here. */
async function readHead(file: TableBytes, at: number): Promise<Head | undefined> {
  const left = file.bytes - at;
  if (left < 8) {
    // A stream may end without its mark.
    if (left === 0) return undefined;
    throw new Error(`expected a message at byte ${at}, found ${left} bytes`);
  }
  const first = await file.read(at, at + Math.min(left, HEAD_BYTES));
  const mark = viewOf(first).getInt32(0, true);
  // Before Arrow 0.15 a message began with its length.
  const metadata = mark === -1 ? 8 : 4;
  const length = mark === -1 ? viewOf(first).getInt32(4, true) : mark;
  if (length === 0) return undefined;
  const bytes = metadata + length;
  if (length < 0 || length > MAX_HEAD_BYTES || bytes > left) {
    throw new Error(`expected a message at byte ${at}, found a length of ${length}`);
  }
  const head = first.length >= bytes ? first.subarray(0, bytes) : await file.read(at, at + bytes);
  return { view: viewOf(head), metadata, bytes };
}

function checkDictionary(batch: ReturnType<typeof rootTable> | undefined): void {
  batch?.count(1, 16);
  batch?.count(2, 16);
  if (batch?.at(3) !== undefined) throw new Error('a dictionary is compressed; write it uncompressed');
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function byteAt(view: DataView, at: number | undefined): number {
  return at === undefined ? 0 : view.getUint8(at);
}

/** A count or position: never negative, never beyond what a number says exactly. */
function longAt(view: DataView, at: number | undefined): number {
  const value = at === undefined ? 0 : Number(view.getBigInt64(at, true));
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`a length of ${value} in a message`);
}
