/** Columns → an Arrow table that uses their buffers as they are; only halves are converted. */
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
  Utf8,
} from 'apache-arrow';
import type { Column, ColumnarTable, ColumnSpec, VectorType } from './columns.ts';
import { toFloat16Array } from './float16.ts';

/** One record batch. `metadata`: key-value pairs of the schema. */
export function arrowTable(table: ColumnarTable, metadata: Map<string, string>): Table {
  const fields = table.columns.map(({ spec }) => new Field(spec.name, arrowType(spec), spec.nullable));
  const schema = new Schema(fields, metadata);
  const children = table.columns.map((column, i) => arrowData((fields[i] as Field).type, column, table.rows));
  const data = new Data(new Struct(fields), 0, table.rows, 0, {}, children);
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
    const stored = itemType instanceof Float16 ? toFloat16Array(values as Float32Array) : values;
    const items = new Data(itemType, 0, rows * type.listSize, 0, { [BufferType.DATA]: stored });
    return new Data(type, 0, rows, nullCount, nulls, [items]);
  }
  const starts = offsets === undefined ? {} : { [BufferType.OFFSET]: offsets };
  return new Data(type, 0, rows, nullCount, { ...starts, [BufferType.DATA]: values, ...nulls });
}

/** Names, types and nullability on one line, to compare what a file has with what it should have. */
export function describeFields(fields: readonly Field[]): string {
  return fields
    .map(({ name, type, nullable }) => `${name}: ${type}${nullable ? '' : ' not null'}`)
    .join(', ');
}

export function describeColumns(specs: readonly ColumnSpec[]): string {
  return describeFields(specs.map((spec) => new Field(spec.name, arrowType(spec), spec.nullable)));
}
