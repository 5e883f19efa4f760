/**
 * What the pages of a Parquet column say of themselves, looked at before hyparquet decodes them: it believes every
 * count, and lists of a damaged one grow until V8 ends the process. Formats: "Data Pages" of the Parquet
 * specification's README, "RLE/Bit-Packing Hybrid" of its Encodings.md.
 */
import type { ColumnMetaData, SchemaTree } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel, isFlatColumn } from 'hyparquet/src/schema.js';
import { readVarInt } from 'hyparquet/src/thrift.js';
import { decompress } from './decompress.ts';

/** Values of a column that may be decoded together: more than any writer's row group of photographs has. */
export const MAX_VALUES = 2 ** 24;

/** Pages up to here are decompressed whatever the footer says that the column takes. */
const SMALL_PAGE = 64 * 2 ** 20;

export interface PagedColumn {
  readonly metadata: ColumnMetaData;
  /** From the root of the schema to the column. */
  readonly schemaPath: SchemaTree[];
}

/** Rows of `bytes` that are wanted; hyparquet skips the pages before and stops after. */
export interface WantedRows {
  readonly start: number;
  readonly end: number;
}

interface Reader {
  view: DataView;
  offset: number;
}

/**
 * `bytes`: whole pages of one column chunk, as hyparquet is going to read them.
 * Returns the contents of the pages that it will decode, decompressed, by where they start in `bytes`.
 * Throws an Error when a page says more than it can hold.
 */
export function checkPages(
  bytes: ArrayBuffer,
  column: PagedColumn,
  rows: WantedRows,
): Map<number, Uint8Array> {
  const pages = new Map<number, Uint8Array>();
  const reader: Reader = { view: new DataView(bytes), offset: 0 };
  const flat = isFlatColumn(column.schemaPath);
  let row = 0;
  let values = 0;
  // As hyparquet does: a single last byte is no page.
  while (reader.offset < bytes.byteLength - 1 && !(flat && row >= rows.end)) {
    const page = nextPage(reader, column);
    const { count, isData } = page;
    const skipped = flat && isData && rows.start - row > count;
    if (isData) row += count;
    if (skipped) continue;
    values += count;
    if (values > MAX_VALUES) {
      throw new Error(`pages of ${values} values, expected at most ${MAX_VALUES} to be read at a time`);
    }
    const [start, decompressed] = page.check();
    pages.set(start, decompressed);
  }
  return pages;
}

interface Page {
  /** Values of the page or the dictionary. */
  readonly count: number;
  /** Not a dictionary. */
  readonly isData: boolean;
  /** Decompresses it. Returns where the compressed part starts in the buffer, and what it holds. */
  check(): [start: number, decompressed: Uint8Array];
}

/** Moves `reader` behind the page. */
function nextPage(reader: Reader, column: PagedColumn): Page {
  const { codec, total_uncompressed_size } = column.metadata;
  const header = parquetHeader(reader);
  const { compressed_page_size: size, uncompressed_page_size: decoded } = header;
  const left = reader.view.byteLength - reader.offset;
  if (!(size >= 0 && size <= left)) {
    throw new Error(`page of ${size} bytes, found ${left} left of its column`);
  }
  const most = Math.max(SMALL_PAGE, Number(total_uncompressed_size));
  if (!(decoded >= 0 && decoded <= most)) {
    throw new Error(`page of ${decoded} bytes once decompressed, expected at most ${most}`);
  }
  const content = new Uint8Array(reader.view.buffer as ArrayBuffer, reader.offset, size);
  reader.offset += size;
  const { type, data_page_header: v1, data_page_header_v2: v2, dictionary_page_header: dictionary } = header;
  const count = (type === 'DATA_PAGE' ? v1 : type === 'DATA_PAGE_V2' ? v2 : dictionary)?.num_values;
  if (count === undefined || !(count >= 0)) throw new Error(`page of ${count} values`);
  const rows = v2?.num_rows;
  if (isFlatColumn(column.schemaPath) && type === 'DATA_PAGE_V2' && rows !== count) {
    throw new Error(`page of ${count} values and ${rows} rows`);
  }
  return {
    count,
    isData: type !== 'DICTIONARY_PAGE',
    check() {
      if (type === 'DATA_PAGE_V2' && v2 !== undefined) {
        return checkPageV2(content, { ...v2, decoded }, column);
      }
      const page = decompress(content, codec, decoded);
      if (type === 'DATA_PAGE' && v1 !== undefined) checkPageV1(page, v1, column);
      return [content.byteOffset, page];
    },
  };
}

interface PageV1 {
  readonly num_values: number;
  readonly encoding: string;
}

function checkPageV1(page: Uint8Array, { num_values: count, encoding }: PageV1, column: PagedColumn): void {
  const reader = readerOf(page);
  const { repetition, definition } = levelsOf(column);
  if (repetition > 0) checkPrefixed(reader, bitWidth(repetition), count);
  const present = definition > 0 ? checkPrefixed(reader, bitWidth(definition), count, definition) : count;
  const isBoolean = column.metadata.type === 'BOOLEAN';
  if (!isBoolean && (isDictionary(encoding) || encoding === 'RLE')) {
    const width = reader.view.getUint8(reader.offset++);
    if (width > 0) checkHybrid(reader, width, present);
  } else if (isDictionary(encoding) || encoding === 'RLE') {
    checkPrefixed(reader, 1, present);
  }
}

interface PageV2 extends PageV1 {
  readonly num_nulls: number;
  readonly repetition_levels_byte_length: number;
  readonly definition_levels_byte_length: number;
  readonly is_compressed?: boolean;
  /** Bytes of the levels and of the values, decompressed. */
  readonly decoded: number;
}

/** Levels lie before the compressed part. */
function checkPageV2(
  content: Uint8Array,
  header: PageV2,
  column: PagedColumn,
): [start: number, page: Uint8Array] {
  const { num_values: count, num_nulls: nulls, encoding, decoded } = header;
  const { repetition_levels_byte_length: repetitions, definition_levels_byte_length: definitions } = header;
  if (!(nulls >= 0 && nulls <= count)) throw new Error(`page of ${count} values, ${nulls} of them null`);
  if (!(repetitions >= 0 && definitions >= 0 && repetitions + definitions <= content.length)) {
    throw new Error(`page of ${content.length} bytes, its levels of ${repetitions} and ${definitions}`);
  }
  const { repetition, definition } = levelsOf(column);
  const levels = readerOf(content);
  if (repetition > 0) checkHybrid(levels, bitWidth(repetition), count);
  levels.offset = repetitions;
  if (definition > 0) {
    checkHybrid(levels, bitWidth(definition), count);
    levels.offset = repetitions + definitions;
  }
  const stored = content.subarray(levels.offset);
  const { codec } = column.metadata;
  const page =
    header.is_compressed === false ? stored : decompress(stored, codec, decoded - repetitions - definitions);
  const reader = readerOf(page);
  if (encoding === 'RLE') checkPrefixed(reader, 1, count - nulls);
  else if (isDictionary(encoding)) checkHybrid(reader, reader.view.getUint8(reader.offset++), count - nulls);
  return [stored.byteOffset, page];
}

function isDictionary(encoding: string): boolean {
  return encoding === 'PLAIN_DICTIONARY' || encoding === 'RLE_DICTIONARY';
}

function levelsOf({ schemaPath }: PagedColumn) {
  return { repetition: getMaxRepetitionLevel(schemaPath), definition: getMaxDefinitionLevel(schemaPath) };
}

function readerOf(bytes: Uint8Array): Reader {
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
}

function bitWidth(level: number): number {
  return 32 - Math.clz32(level);
}

/** A hybrid behind its length in bytes. */
function checkPrefixed(reader: Reader, width: number, count: number, wanted?: number): number {
  const length = reader.view.getUint32(reader.offset, true);
  reader.offset += 4;
  const start = reader.offset;
  const found = checkHybrid(reader, width, count, wanted);
  reader.offset = start + length;
  return found;
}

/** `count` numbers of `width` bits in runs. Returns how many of them are `wanted`; throws when a run is too long. */
function checkHybrid(reader: Reader, width: number, count: number, wanted?: number): number {
  const { view } = reader;
  let found = 0;
  for (let seen = 0; seen < count; ) {
    const header = readVarInt(reader);
    const left = count - seen;
    const isPacked = (header & 1) === 1;
    // A packed run is made of groups of eight, the last of which may be filled up.
    const length = (header >>> 1) * (isPacked ? 8 : 1);
    const bytes = isPacked ? (length / 8) * width : (width + 7) >> 3;
    if (bytes > view.byteLength - reader.offset) throw new Error(`run of ${length} values leaves its page`);
    if (length > left && !(isPacked && (width > 0 || length < left + 8))) {
      throw new Error(`run of ${length} values in a page of ${count}`);
    }
    const taken = Math.min(length, left);
    if (wanted !== undefined) {
      found += isPacked
        ? countPacked(view, reader.offset, width, taken, wanted)
        : littleEndian(view, reader.offset, bytes) === wanted
          ? taken
          : 0;
    }
    // Of an empty packed run hyparquet takes a byte all the same.
    reader.offset += isPacked && bytes === 0 ? 1 : bytes;
    seen += taken;
  }
  return found;
}

function countPacked(view: DataView, offset: number, width: number, count: number, wanted: number): number {
  let found = 0;
  for (let i = 0; i < count; i++) {
    let value = 0;
    for (let bit = 0; bit < width; bit++) {
      const at = i * width + bit;
      value |= ((view.getUint8(offset + (at >> 3)) >> (at & 7)) & 1) << bit;
    }
    if (value === wanted) found++;
  }
  return found;
}

function littleEndian(view: DataView, offset: number, bytes: number): number {
  let value = 0;
  for (let i = 0; i < bytes; i++) value |= view.getUint8(offset + i) << (8 * i);
  return value;
}
