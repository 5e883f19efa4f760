/** A Parquet file of a corpus: its footer is read once, then only the columns and pages that are asked for. */
import {
  type ColumnChunk,
  type FileMetaData,
  parquetMetadataAsync,
  parquetSchema,
  readOffsetIndex,
  type SchemaElement,
  type SchemaTree,
} from 'hyparquet';
import { parquetBuffer } from '../parquet/parquetBuffer.ts';
import { readParquetRows } from '../parquet/parquetRows.ts';
import type { FieldKind, SourceField, SourceTable, TableBytes, TablePiece } from './sourceTable.ts';

/** First read at the end of a file: holds the footer of most. */
const FOOTER_BYTES = 256 * 1024;

/** Throws an Error when the file is no Parquet file, or what `file.read` throws. */
export async function openParquetTable(file: TableBytes): Promise<SourceTable> {
  if (file.bytes === 0) throw new Error('the file is empty');
  const buffer = parquetBuffer(file.bytes, (start, end) => file.read(start, end));
  const metadata = await parquetMetadataAsync(buffer, { initialFetchSize: FOOTER_BYTES, geoparquet: false });
  const pieces = piecesOf(metadata);
  const groups = new Map(pieces.map((piece, i) => [piece, i]));
  const columnOf = (piece: TablePiece, column: string) =>
    chunksOf(metadata, groups.get(piece), column).reduce<ColumnChunk | undefined>(
      (largest, chunk) => (decodedBytes(chunk) > decodedBytes(largest) ? chunk : (largest ?? chunk)),
      undefined,
    );
  return {
    fields: parquetSchema(metadata).children.map(fieldOf),
    rows: pieces.reduce((sum, { rows }) => sum + rows, 0),
    pieces,
    read: (columns, rowStart, rowEnd) =>
      readParquetRows({
        file: buffer,
        metadata,
        columns,
        rowStart,
        rowEnd,
        useOffsetIndex: true,
      }),
    columnSize(piece, column) {
      const chunk = columnOf(piece, column);
      return {
        stored: Number(chunk?.meta_data?.total_compressed_size ?? 0),
        decoded: Math.max(0, decodedBytes(chunk)),
        paged: chunk?.offset_index_offset !== undefined,
      };
    },
    async pageStarts(piece, column) {
      const { offset_index_offset: offset, offset_index_length: length } = columnOf(piece, column) ?? {};
      if (offset === undefined || length === undefined) return undefined;
      const bytes = await buffer.slice(Number(offset), Number(offset) + length);
      const { page_locations } = readOffsetIndex({ view: new DataView(bytes), offset: 0 });
      return page_locations.map(({ first_row_index }) => piece.start + Number(first_row_index));
    },
  };
}

function piecesOf({ row_groups }: FileMetaData): TablePiece[] {
  let start = 0;
  return row_groups.flatMap(({ num_rows }) => {
    const rows = Number(num_rows);
    if (!Number.isSafeInteger(rows) || rows < 0) throw new Error(`row group of ${num_rows} rows`);
    const piece = { start, rows };
    start += rows;
    return [piece];
  });
}

/** The leaves of a column in a row group. */
function chunksOf({ row_groups }: FileMetaData, group: number | undefined, column: string): ColumnChunk[] {
  const chunks = (group === undefined ? undefined : row_groups[group])?.columns ?? [];
  return chunks.filter(({ meta_data }) => meta_data?.path_in_schema[0] === column);
}

function decodedBytes(chunk: ColumnChunk | undefined): number {
  return Number(chunk?.meta_data?.total_uncompressed_size ?? -1);
}

function fieldOf({ element, children }: SchemaTree): SourceField {
  const { name, repetition_type } = element;
  const isStruct = children.some(({ element: child }) => child.name === 'bytes' && kindOf(child) === 'bytes');
  const type = children.length > 0 ? 'struct' : describe(element);
  if (repetition_type === 'REPEATED') return { name, kind: 'other', type: `repeated ${type}` };
  if (children.length > 0) return { name, kind: isStruct ? 'image struct' : 'other', type };
  return { name, kind: kindOf(element), type };
}

function describe({ type, converted_type, logical_type }: SchemaElement): string {
  const logical = logical_type?.type ?? converted_type;
  return logical === undefined ? (type ?? 'nothing') : `${type} (${logical})`;
}

function kindOf({ type, converted_type, logical_type }: SchemaElement): FieldKind {
  const logical = logical_type?.type ?? converted_type;
  switch (type) {
    case 'BYTE_ARRAY':
      if (logical === undefined) return 'bytes';
      return ['STRING', 'UTF8', 'ENUM'].includes(logical) ? 'text' : 'other';
    case 'INT32':
    case 'INT64':
      return logical === undefined || /^U?INT/.test(logical) ? 'integer' : 'other';
    case 'FLOAT':
    case 'DOUBLE':
      return 'number';
    case 'BOOLEAN':
      return 'boolean';
    default:
      return 'other';
  }
}
