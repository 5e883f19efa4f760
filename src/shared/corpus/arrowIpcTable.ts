/**
 * An Arrow IPC file or stream of a corpus, by record batch. Of a batch only the buffers of the columns that are asked
 * for are read; the others stay zeros that nothing looks at.
 */
import {
  type Data,
  DataType,
  type Field,
  type RecordBatch,
  RecordBatchReader,
  type Schema,
  Table,
  tableToIPC,
} from 'apache-arrow';
import { columnOf } from '../table/columnOf.ts';
import {
  type ArrowMessages,
  arrowMessages,
  type BatchLocation,
  type MessageLocation,
} from './arrowMessages.ts';
import {
  type FieldKind,
  pieceOf,
  type SourceField,
  type SourceTable,
  type TableBytes,
  type TablePiece,
} from './sourceTable.ts';

/** Ends a stream: the mark and a length of 0. */
const END = Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0);

/** Dictionaries are read with every batch. */
const MAX_DICTIONARIES = 256 * 2 ** 20;

/** Buffers that lie this close are read with one request. */
const NEAR = 64 * 1024;

/** Of a view: a length, and the value or where it lies. */
const VIEW_BYTES = 16;

/** Throws an Error when the file is no Arrow IPC, or what `file.read` throws. */
export async function openArrowIpcTable(file: TableBytes): Promise<SourceTable> {
  const messages = await arrowMessages(file);
  const { batches } = messages;
  const schema = readSchema(messages);
  const pieces: TablePiece[] = [];
  let rows = 0;
  for (const batch of batches) {
    pieces.push({ start: rows, rows: batch.rows });
    rows += batch.rows;
    if (!Number.isSafeInteger(rows)) throw new Error(`record batch of ${batch.rows} rows`);
  }
  const locations = new Map(pieces.map((piece, i) => [piece, batches[i] as BatchLocation]));
  const batchOf = (piece: TablePiece) => locations.get(piece) as BatchLocation;
  return {
    fields: schema.fields.map(fieldOf),
    rows,
    pieces,
    async read(columns, start, end) {
      // A batch without rows has none to look for.
      if (start === end) return [];
      const piece = pieceOf(pieces, start);
      if (piece === undefined || end > piece.start + piece.rows)
        throw new Error(`no record batch has the rows ${start}–${end}`);
      const batch = await readBatch(file, messages, batchOf(piece), schema, columns);
      for (const name of columns) {
        for (const data of batch.getChild(name)?.data ?? []) checkRows(data, piece.rows);
      }
      const cells = columns.map((name) => [name, columnOf(batch, name)] as const);
      return Array.from({ length: end - start }, (_, i) =>
        Object.fromEntries(cells.map(([name, column]) => [name, column?.get(start - piece.start + i)])),
      );
    },
    columnSize(piece, column) {
      const bytes =
        buffersOf(schema, batchOf(piece), [column])?.reduce((sum, [, length]) => sum + length, 0) ?? 0;
      return { stored: bytes, decoded: bytes, paged: false };
    },
    pageStarts: async () => undefined,
  };
}

function readSchema({ schema }: ArrowMessages): Schema {
  const reader = RecordBatchReader.from(schema);
  reader.open();
  return reader.schema;
}

/** The schema as the message that a stream begins with. */
function schemaMessage(schema: Schema): Uint8Array {
  return tableToIPC(new Table(schema), 'stream').subarray(0, -END.length);
}

/** A batch of which only the columns asked for hold what the file holds. */
async function readBatch(
  file: TableBytes,
  { dictionaries }: ArrowMessages,
  batch: BatchLocation,
  fields: Schema,
  columns: readonly string[],
): Promise<RecordBatch> {
  const used = dictionaries.slice(0, batch.dictionaries);
  if (used.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0) > MAX_DICTIONARIES) {
    throw new Error(`dictionaries of more than ${MAX_DICTIONARIES} bytes`);
  }
  const before = await Promise.all(used.map((message) => wholeOf(file, message)));
  const start = joined([
    schemaMessage(fields),
    ...before,
    await file.read(batch.at, batch.at + batch.headBytes),
  ]);
  // Pages of zeros that nobody writes to take no memory.
  const stream = new Uint8Array(start.length + batch.bodyBytes + END.length);
  stream.set(start);
  stream.set(END, start.length + batch.bodyBytes);
  const bodyAt = batch.at + batch.headBytes;
  const wanted = buffersOf(fields, batch, columns) ?? [[0, batch.bodyBytes] as const];
  for (const [offset, length] of merged(wanted)) {
    stream.set(await file.read(bodyAt + offset, bodyAt + offset + length), start.length + offset);
  }
  const [found] = [...RecordBatchReader.from(stream)];
  if (found === undefined || found.numRows !== batch.rows) {
    throw new Error(
      `record batch at byte ${batch.at}: expected ${batch.rows} rows, found ${found?.numRows ?? 0}`,
    );
  }
  return found;
}

async function wholeOf(file: TableBytes, { at, headBytes, bodyBytes }: MessageLocation): Promise<Uint8Array> {
  return file.read(at, at + headBytes + bodyBytes);
}

/** The buffers of top-level columns; undefined where a column's layout is not a fixed number of buffers. */
function buffersOf(
  schema: Schema,
  batch: BatchLocation,
  columns: readonly string[],
): (readonly [offset: number, length: number])[] | undefined {
  const wanted: (readonly [number, number])[] = [];
  const viewed = [...batch.viewed];
  let next = 0;
  for (const field of schema.fields) {
    const count = bufferCount(field.type, viewed);
    if (count === undefined) return undefined;
    if (columns.includes(field.name)) wanted.push(...batch.buffers.slice(next, next + count));
    next += count;
  }
  return wanted;
}

/**
 * Buffers of a column and the columns in it, in Arrow's columnar format. Takes their counts from the front of `viewed`.
 */
function bufferCount(type: DataType, viewed: number[]): number | undefined {
  if (DataType.isDictionary(type)) return 2;
  const children = (type.children ?? []).map((child: Field) => bufferCount(child.type, viewed));
  const inside = children.reduce<number | undefined>(
    (sum, count) => (sum === undefined || count === undefined ? undefined : sum + count),
    0,
  );
  if (inside === undefined) return undefined;
  if (DataType.isNull(type)) return 0;
  if (DataType.isStruct(type) || DataType.isFixedSizeList(type)) return 1 + inside;
  if (DataType.isList(type) || DataType.isMap(type)) return 2 + inside;
  if (isView(type)) return 2 + (viewed.shift() ?? 0);
  if (isText(type) || isBinary(type)) return 3;
  if (inside > 0 || DataType.isUnion(type)) return undefined;
  return 2;
}

/** Ascending, and those that lie close together as one. */
function merged(buffers: readonly (readonly [number, number])[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const [offset, length] of [...buffers].sort((a, b) => a[0] - b[0])) {
    const last = ranges.at(-1);
    if (length === 0) continue;
    if (last !== undefined && offset <= last[0] + last[1] + NEAR) {
      last[1] = Math.max(last[1], offset + length - last[0]);
    } else ranges.push([offset, length]);
  }
  return ranges;
}

/** Throws unless the buffers hold as many rows as the batch says: nobody must walk over rows that are not there. */
function checkRows(data: Data, rows: number): void {
  const { type, length, valueOffsets, values } = data;
  if (length < rows) throw new Error(`column of ${length} of ${rows} rows`);
  if (DataType.isStruct(type)) {
    // Of an image nobody looks at anything else.
    for (const [i, { name, type: child }] of type.children.entries()) {
      if (name === 'bytes' || (name === 'path' && isText(child))) checkRows(data.children[i] as Data, rows);
    }
  } else if (isView(type)) {
    if ((values?.length ?? 0) < rows * VIEW_BYTES) throw new Error(`views of fewer than ${rows} rows`);
  } else if (isText(type) || isBinary(type)) {
    if (rows > 0 && (valueOffsets?.length ?? 0) < rows + 1)
      throw new Error(`offsets of fewer than ${rows} rows`);
  } else if (DataType.isBool(type)) {
    if ((values?.length ?? 0) * 8 < rows) throw new Error(`values of fewer than ${rows} rows`);
  } else if ((values?.length ?? 0) < rows) throw new Error(`values of fewer than ${rows} rows`);
}

function fieldOf({ name, type }: Field): SourceField {
  return { name, kind: kindOf(type), type: String(type) };
}

function kindOf(type: DataType): FieldKind {
  if (DataType.isDictionary(type)) return kindOf(type.dictionary) === 'text' ? 'text' : 'other';
  if (isText(type)) return 'text';
  if (isBinary(type)) return 'bytes';
  if (DataType.isInt(type)) return 'integer';
  if (DataType.isFloat(type)) return 'number';
  if (DataType.isBool(type)) return 'boolean';
  const holdsImage = type.children?.some((child: Field) => child.name === 'bytes' && isBinary(child.type));
  return DataType.isStruct(type) && holdsImage ? 'image struct' : 'other';
}

function isText(type: DataType): boolean {
  return DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isUtf8View(type);
}

function isBinary(type: DataType): boolean {
  return DataType.isBinary(type) || DataType.isLargeBinary(type) || DataType.isBinaryView(type);
}

function isView(type: DataType): boolean {
  return DataType.isUtf8View(type) || DataType.isBinaryView(type);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
