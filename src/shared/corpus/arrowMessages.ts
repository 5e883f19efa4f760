/**
 * The messages of an Arrow IPC file or stream, by their heads: what lies where, without the bodies. A stream is a row
 * of messages; of a file those count that its footer names, wherever they lie. Slot numbers are those of Arrow's
 * format/File.fbs, Message.fbs and Schema.fbs (Apache-2.0).
 */
import {
  checkBatchMessage,
  checkDictionaryMessage,
  checkSchema,
  type FlatTable,
  rootTable,
} from '../table/arrowStructure.ts';
import { refuseUnreadableTypes } from './arrowTypes.ts';
import type { TableBytes } from './sourceTable.ts';

const FILE_MAGIC = 'ARROW1';

/** Before the messages of a file: the mark, filled up to eight bytes. */
const FILE_START = Buffer.from(`${FILE_MAGIC}\0\0`);

/** After a footer: its length and the mark. */
const FOOTER_END = 10;

/** Bytes read at the end of a file at first: they hold the footer of most. */
const FOOTER_BYTES = 64 * 1024;

/** Bytes read for a message's head at first: most are smaller. */
const HEAD_BYTES = 4 * 1024;

/** A larger head or footer is damage: a batch of a thousand columns has a head of 50 kB. */
const MAX_HEAD_BYTES = 16 * 2 ** 20;

const SCHEMA = 1;
const DICTIONARY = 2;
const BATCH = 3;

/** Slots of a footer. */
const DICTIONARY_BLOCKS = 2;
const BATCH_BLOCKS = 3;

/** A message in the file: its head (mark, length and metadata), then its body. */
export interface MessageLocation {
  readonly at: number;
  readonly headBytes: number;
  readonly bodyBytes: number;
}

export interface BatchLocation extends MessageLocation {
  readonly rows: number;
  /** Offset and length of each buffer in the body. */
  readonly buffers: readonly (readonly [offset: number, length: number])[];
  /** Of each column of views, wherever it stands in the schema: how many buffers hold its longer values. */
  readonly viewed: readonly number[];
  /** So many of the dictionaries, from the first on, it may use. */
  readonly dictionaries: number;
}

export interface ArrowMessages {
  /** The beginning of a stream, or a file without messages, for the library to read the schema from. */
  readonly schema: Uint8Array;
  readonly dictionaries: readonly MessageLocation[];
  readonly batches: readonly BatchLocation[];
}

/** Throws an Error that says what is wrong and at which byte; the caller knows the file. */
export async function arrowMessages(file: TableBytes): Promise<ArrowMessages> {
  if (file.bytes === 0) throw new Error('the file is empty');
  const start = await file.read(0, Math.min(FILE_MAGIC.length, file.bytes));
  return Buffer.from(start).toString('latin1') === FILE_MAGIC ? messagesOfFile(file) : messagesOfStream(file);
}

async function messagesOfStream(file: TableBytes): Promise<ArrowMessages> {
  let schema: Uint8Array | undefined;
  const dictionaries: MessageLocation[] = [];
  const batches: BatchLocation[] = [];
  for (let at = 0; ; ) {
    const head = await readHead(file, at, HEAD_BYTES);
    if (head === undefined) break;
    const next = at + head.bytes.length + head.bodyBytes;
    if (next > file.bytes) {
      throw new Error(`message at byte ${at} ends at byte ${next} of ${file.bytes}`);
    }
    if (head.type === SCHEMA) {
      const found = head.message.table(2);
      checkSchema(found);
      refuseUnreadableTypes(viewOf(head.bytes), found);
      schema ??= head.bytes;
    } else if (head.type === DICTIONARY) dictionaries.push(dictionaryLocation(head));
    else if (head.type === BATCH) batches.push(batchLocation(head, dictionaries.length));
    at = next;
  }
  if (schema === undefined) throw new Error('no schema, as an Arrow IPC stream begins with');
  return { schema, dictionaries, batches };
}

/**
 * By the footer alone, as Arrow's own readers go: polars writes the schema's message without its mark and dictionaries
 * after the batches that use them, apache-arrow for JavaScript writes no schema before the footer. A batch may use
 * every dictionary.
 */
async function messagesOfFile(file: TableBytes): Promise<ArrowMessages> {
  const footer = await readFooter(file);
  const root = rootTable(viewOf(footer), 0);
  const dictionaryBlocks = blocksOf(footer, root, DICTIONARY_BLOCKS);
  const batchBlocks = blocksOf(footer, root, BATCH_BLOCKS);
  checkBlocks([...dictionaryBlocks, ...batchBlocks], file.bytes - footer.length);
  const schema = schemaOf(footer);
  const dictionaries: MessageLocation[] = [];
  for (const block of dictionaryBlocks) {
    dictionaries.push(dictionaryLocation(await readBlock(file, block, DICTIONARY)));
  }
  const batches: BatchLocation[] = [];
  for (const block of batchBlocks) {
    batches.push(batchLocation(await readBlock(file, block, BATCH), dictionaries.length));
  }
  return { schema, dictionaries, batches };
}

/** The footer of a file with its length and mark, as they stand at the end. */
async function readFooter(file: TableBytes): Promise<Uint8Array> {
  const end = await file.read(Math.max(0, file.bytes - FOOTER_BYTES), file.bytes);
  if (
    file.bytes < FILE_START.length + FOOTER_END ||
    !Buffer.from(end.subarray(-FILE_MAGIC.length)).equals(Buffer.from(FILE_MAGIC))
  ) {
    throw new Error(`no footer and ${FILE_MAGIC} at the end: it was not written to its end, or was cut`);
  }
  const length = viewOf(end).getInt32(end.length - FOOTER_END, true);
  const bytes = length + FOOTER_END;
  if (length < 4 || length > MAX_HEAD_BYTES || bytes > file.bytes - FILE_START.length) {
    throw new Error(`footer of ${length} bytes`);
  }
  return bytes <= end.length ? end.subarray(-bytes) : file.read(file.bytes - bytes, file.bytes);
}

/** A file without messages: of one with them the library would go and read the dictionaries. */
function schemaOf(footer: Uint8Array): Uint8Array {
  const file = Buffer.concat([FILE_START, footer]);
  const view = viewOf(file);
  const root = rootTable(view, FILE_START.length);
  for (const slot of [DICTIONARY_BLOCKS, BATCH_BLOCKS]) {
    const at = root.at(slot);
    if (at !== undefined) view.setUint32(at + view.getUint32(at, true), 0, true);
  }
  const schema = root.table(1);
  if (schema === undefined) throw new Error('no schema in the footer');
  checkSchema(schema);
  refuseUnreadableTypes(view, schema);
  return file;
}

function blocksOf(footer: Uint8Array, root: FlatTable, slot: number): MessageLocation[] {
  const view = viewOf(footer);
  return root.structs(slot, 24).map((block) => ({
    at: longAt(view, block),
    headBytes: view.getInt32(block + 8, true),
    bodyBytes: longAt(view, block + 16),
  }));
}

/** Throws unless each block has bytes of its own between the mark and the footer: none is read more than once. */
function checkBlocks(blocks: readonly MessageLocation[], end: number): void {
  let before = FILE_START.length;
  for (const { at, headBytes, bodyBytes } of [...blocks].sort((a, b) => a.at - b.at)) {
    const next = at + headBytes + bodyBytes;
    if (at < before || next > end || headBytes < 8 || headBytes > MAX_HEAD_BYTES) {
      throw new Error(
        `footer: a message of ${headBytes} and ${bodyBytes} bytes at byte ${at}, ` +
          `where there is room from byte ${before} to ${end}`,
      );
    }
    before = next;
  }
}

async function readBlock(file: TableBytes, block: MessageLocation, type: number): Promise<Head> {
  const { at, headBytes, bodyBytes } = block;
  const head = await readHead(file, at, headBytes);
  if (head?.type !== type || head.bytes.length !== headBytes || head.bodyBytes > bodyBytes) {
    const kind = type === BATCH ? 'record batch' : 'dictionary';
    throw new Error(
      `expected a ${kind} of ${headBytes} and ${bodyBytes} bytes at byte ${at}, as the footer says`,
    );
  }
  return head;
}

interface Head {
  readonly at: number;
  /** Mark, length and metadata. */
  readonly bytes: Uint8Array;
  readonly message: FlatTable;
  readonly type: number;
  readonly bodyBytes: number;
}

/** `guess`: bytes to read at first. Undefined: the messages end here. */
async function readHead(file: TableBytes, at: number, guess: number): Promise<Head | undefined> {
  const left = file.bytes - at;
  if (left < 8) {
    // A stream may end without its mark.
    if (left === 0) return undefined;
    throw new Error(`expected a message at byte ${at}, found ${left} bytes`);
  }
  const first = await file.read(at, at + Math.min(left, guess));
  const mark = viewOf(first).getInt32(0, true);
  // Before Arrow 0.15 a message began with its length.
  const metadata = mark === -1 ? 8 : 4;
  const length = mark === -1 ? viewOf(first).getInt32(4, true) : mark;
  if (length === 0) return undefined;
  const end = metadata + length;
  if (length < 0 || length > MAX_HEAD_BYTES || end > left) {
    throw new Error(`expected a message at byte ${at}, found a length of ${length}`);
  }
  const bytes = first.length >= end ? first.subarray(0, end) : await file.read(at, at + end);
  const view = viewOf(bytes);
  const message = rootTable(view, metadata);
  return { at, bytes, message, type: byteAt(view, message.at(1)), bodyBytes: longAt(view, message.at(3)) };
}

function dictionaryLocation({ at, bytes, message, bodyBytes }: Head): MessageLocation {
  checkDictionaryMessage(message);
  if (message.table(2)?.table(1)?.at(3) !== undefined)
    throw new Error('a dictionary is compressed; write it uncompressed');
  return { at, headBytes: bytes.length, bodyBytes };
}

function batchLocation({ at, bytes, message, bodyBytes }: Head, dictionaries: number): BatchLocation {
  checkBatchMessage(message);
  const batch = message.table(2);
  if (batch?.at(3) !== undefined) {
    throw new Error(`record batch at byte ${at} is compressed; write it uncompressed, or as Parquet`);
  }
  const view = viewOf(bytes);
  const buffers = (batch?.structs(2, 16) ?? []).map(
    (buffer) => [longAt(view, buffer), longAt(view, buffer + 8)] as const,
  );
  for (const [offset, length] of buffers) {
    if (offset + length > bodyBytes) throw new Error(`record batch at byte ${at}: a buffer lies outside it`);
  }
  const viewed = (batch?.structs(4, 8) ?? []).map((count) => longAt(view, count));
  const rows = longAt(view, batch?.at(0));
  return { at, headBytes: bytes.length, bodyBytes, rows, buffers, viewed, dictionaries };
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
  throw new Error(`a length or position of ${value}`);
}
