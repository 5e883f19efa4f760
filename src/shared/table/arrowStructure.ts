/**
 * Checks the flatbuffers of an Arrow IPC file before the library reads them: it loops over as many items as a vector
 * claims to have, 4 billion in a file of a kilobyte. Field numbers are those of Arrow's format/File.fbs, Message.fbs
 * and Schema.fbs (Apache-2.0).
 */

/** `ARROW1` and two bytes of padding at the start; at the end the footer's length and `ARROW1`. */
const START = 8;
const END = 10;
/** Columns at all levels: the widest table of posecast has 18 and lists of numbers inside them. */
const MAX_FIELDS = 1_000;

/** Throws an Error when a vector of the footer, the schema or a batch is longer than the file can hold. */
export function checkArrowStructure(bytes: Uint8Array): void {
  if (bytes.length < START + END) throw new Error(`Arrow file of ${bytes.length} bytes`);
  const file = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const footerLength = file.getInt32(bytes.length - END, true);
  const footer = bytes.length - END - footerLength;
  if (footerLength < 4 || footer < START) throw new Error(`Arrow footer of ${footerLength} bytes`);
  const root = rootTable(file, footer);
  checkSchema(root.table(1));
  root.tables(4);
  if (root.count(2, 24) > 0) throw new Error('Arrow file with dictionaries');
  for (const block of root.structs(3, 24)) checkBatch(file, Number(file.getBigInt64(block, true)));
}

/** Throws when a vector of a schema is longer than the file can hold. */
export function checkSchema(schema: FlatTable | undefined): void {
  let fields = 0;
  const visit = (field: FlatTable): void => {
    if (++fields > MAX_FIELDS) throw new Error(`more than ${MAX_FIELDS} columns`);
    for (const child of field.tables(5)) visit(child);
    field.tables(6);
  };
  for (const field of schema?.tables(1) ?? []) visit(field);
  schema?.tables(2);
}

/** The message at an offset: a continuation mark, the length of its metadata, the metadata. */
function checkBatch(file: DataView, offset: number): void {
  const marked = file.getInt32(offset, true) === -1;
  checkBatchMessage(rootTable(file, offset + (marked ? 8 : 4)));
}

/** Throws when a vector of a batch's message is longer than the file can hold. */
export function checkBatchMessage(message: FlatTable): void {
  message.tables(4);
  checkCounts(message.table(2));
}

/** As `checkBatchMessage`: a dictionary's message holds a batch of one column. */
export function checkDictionaryMessage(message: FlatTable): void {
  message.tables(4);
  checkCounts(message.table(2)?.table(1));
}

function checkCounts(batch: FlatTable | undefined): void {
  batch?.count(1, 16);
  batch?.count(2, 16);
  batch?.count(4, 8);
}

/** A flatbuffer table; reading outside the file throws RangeError. */
export interface FlatTable {
  /** Where the value of a slot stands; undefined: it has its default. */
  at(slot: number): number | undefined;
  table(slot: number): FlatTable | undefined;
  tables(slot: number): FlatTable[];
  /** Positions of the structs of a vector. */
  structs(slot: number, size: number): number[];
  /** Items of a vector, each of `size` bytes. */
  count(slot: number, size: number): number;
}

/** The root of the flatbuffer at `at`. */
export function rootTable(file: DataView, at: number): FlatTable {
  return tableAt(file, at + file.getUint32(at, true));
}

function tableAt(file: DataView, position: number): FlatTable {
  const field = (slot: number): number | undefined => {
    const slots = position - file.getInt32(position, true);
    const index = 4 + 2 * slot;
    const offset = index < file.getUint16(slots, true) ? file.getUint16(slots + index, true) : 0;
    return offset === 0 ? undefined : position + offset;
  };
  const follow = (at: number): number => at + file.getUint32(at, true);
  const vector = (slot: number, size: number): { start: number; count: number } => {
    const at = field(slot);
    if (at === undefined) return { start: 0, count: 0 };
    const found = follow(at);
    const count = file.getUint32(found, true);
    if (found + 4 + count * size > file.byteLength)
      throw new Error(`vector of ${count} items in the file's structure`);
    return { start: found + 4, count };
  };
  const structs = (slot: number, size: number): number[] => {
    const { start, count } = vector(slot, size);
    return Array.from({ length: count }, (_, i) => start + i * size);
  };
  return {
    at: field,
    count: (slot, size) => vector(slot, size).count,
    structs,
    tables: (slot) => structs(slot, 4).map((at) => tableAt(file, follow(at))),
    table(slot) {
      const at = field(slot);
      return at === undefined ? undefined : tableAt(file, follow(at));
    },
  };
}
