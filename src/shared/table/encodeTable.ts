/**
 * Columns → the bytes of a Parquet (zstd) or Arrow IPC file. Slow on purpose-built threads only: see tableWriter.
 */
import {
  BufferType,
  Data,
  type DataType,
  Field,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableToIPC,
  Utf8,
} from 'apache-arrow';
import * as parquet from 'parquet-wasm';
import type { TABLE_FORMATS } from '../config.ts';
import type { Column, ColumnSpec, TableColumns, VectorType } from './columns.ts';
import { metadataEntries, type TableMetadata } from './tableMetadata.ts';

export interface EncodeOptions {
  readonly format: (typeof TABLE_FORMATS)[number];
  readonly metadata: TableMetadata;
}

/** A table as a file. */
export interface EncodedTable {
  /** The whole file. */
  readonly bytes: Uint8Array;
  /** Of `bytes`, hex. */
  readonly sha256: string;
  readonly rows: number;
}

/** Rows of a Parquet row group: 64 MiB of 512-d float32, so that readers and this writer stay bounded. */
export const ROW_GROUP_ROWS = 32_768;

/** The table as one file. Rows keep their order. */
export function encodeTable(table: TableColumns, options: EncodeOptions): Uint8Array {
  const schema = arrowSchema(
    table.columns.map(({ spec }) => spec),
    options.metadata,
  );
  // apache-arrow 21.2 writes compressed IPC that other readers refuse, so IPC files are not compressed.
  if (options.format === 'arrow') return tableToIPC(arrowTable(schema, table), 'file');
  const arrow = parquet.Table.fromIPCStream(tableToIPC(arrowTable(schema, table), 'stream'));
  return parquet.writeParquet(arrow, writerProperties(table, options.metadata));
}

function writerProperties(table: TableColumns, metadata: TableMetadata): parquet.WriterProperties {
  const vectors = table.columns.flatMap(({ spec }) =>
    typeof spec.type === 'object' ? [spec.type.vector] : [],
  );
  let builder = new parquet.WriterPropertiesBuilder()
    .setCompression(parquet.Compression.ZSTD)
    .setMaxRowGroupSize(ROW_GROUP_ROWS)
    .setKeyValueMetadata(metadataEntries(metadata))
    .setDictionaryEnabled(false);
  // Settings of nested columns are ignored by this writer, so the vectors' encoding is the global one and the
  // others are exceptions. Half floats stay plain: DuckDB cannot read them byte-stream-split.
  if (vectors.length > 0 && !vectors.includes('float16')) {
    builder = builder.setEncoding(parquet.Encoding.BYTE_STREAM_SPLIT);
  }
  for (const { spec } of table.columns) {
    if (spec.type === 'utf8') builder = builder.setColumnDictionaryEnabled(spec.name, true);
    if (typeof spec.type === 'string') builder = builder.setColumnEncoding(spec.name, parquet.Encoding.PLAIN);
  }
  return builder.build();
}

function arrowSchema(specs: readonly ColumnSpec[], metadata: TableMetadata): Schema {
  const fields = specs.map((spec) => new Field(spec.name, arrowType(spec), spec.nullable));
  return new Schema(fields, metadataEntries(metadata));
}

function arrowTable(schema: Schema, table: TableColumns): Table {
  const children = table.columns.map((column, i) =>
    arrowData(schema.fields[i]?.type as DataType, column, table.rows),
  );
  const data = new Data(new Struct(schema.fields), 0, table.rows, 0, {}, children);
  return new Table(schema, new RecordBatch(schema, data));
}

function arrowType({ type }: ColumnSpec): DataType {
  if (typeof type === 'object') {
    return new FixedSizeList(type.size, new Field('item', vectorItem(type.vector), false));
  }
  switch (type) {
    case 'utf8':
      return new Utf8();
    case 'int16':
      return new Int16();
    case 'int32':
      return new Int32();
    case 'int64':
      return new Int64();
    case 'float32':
      return new Float32();
    case 'float64':
      return new Float64();
  }
}

function vectorItem(vector: VectorType): DataType {
  return vector === 'float32' ? new Float32() : new Float16();
}

function arrowData(type: DataType, { values, offsets, validity, nullCount }: Column, rows: number): Data {
  const nulls = validity === undefined ? {} : { [BufferType.VALIDITY]: validity };
  if (type instanceof FixedSizeList) {
    const itemType = (type.children[0] as Field).type;
    const items = new Data(itemType, 0, rows * type.listSize, 0, { [BufferType.DATA]: values });
    return new Data(type, 0, rows, nullCount, nulls, [items]);
  }
  const starts = offsets === undefined ? {} : { [BufferType.OFFSET]: offsets };
  return new Data(type, 0, rows, nullCount, { ...starts, [BufferType.DATA]: values, ...nulls });
}
