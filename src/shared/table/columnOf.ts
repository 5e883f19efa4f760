/**
 * A column of an Arrow table with its texts as they were written: the library drops a U+FEFF that a text begins with,
 * and with it the difference between two people.
 */
import {
  Binary,
  BinaryView,
  Data,
  DataType,
  LargeBinary,
  type RecordBatch,
  type Table,
  Vector,
} from 'apache-arrow';

export interface CellColumn {
  /** Null where the cell is. */
  get(row: number): unknown;
}

/** Undefined: the table has no such column. */
export function columnOf(table: Table | RecordBatch, name: string): CellColumn | undefined {
  const column: Vector | null = table.getChild(name);
  return column === null ? undefined : cellsOf(column);
}

/** The texts of a list. */
export function textsOf(list: Vector): string[] {
  const cells = cellsOf(list);
  return Array.from({ length: list.length }, (_, i) => String(cells.get(i)));
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function cellsOf(column: Vector): CellColumn {
  const type: DataType = column.type;
  // Not in the types of the library.
  if (DataType.isDictionary(type) && (type.indices.bitWidth as number) === 64)
    return cellsOfLongIndices(column);
  if (bytesLike(DataType.isDictionary(type) ? type.dictionary : type) === undefined) return column;
  const bytes = new Vector(column.data.map(asBytes));
  return {
    get(row) {
      const found = bytes.get(row) as Uint8Array | null;
      return found === null ? null : decoder.decode(found);
    },
  };
}

/** `Vector.get` cannot look up in a dictionary what has an index of 64 bits: it reads that as a bigint. */
function cellsOfLongIndices(column: Vector): CellColumn {
  const chunks = column.data.map(({ dictionary, values, length }) => ({
    cells: cellsOf(dictionary as Vector),
    indices: values as BigInt64Array | BigUint64Array,
    length,
  }));
  return {
    get(row) {
      if (!column.isValid(row)) return null;
      let at = row;
      for (const { cells, indices, length } of chunks) {
        if (at < length) return cells.get(Number(indices[at]));
        at -= length;
      }
      return null;
    },
  };
}

/** The same buffers as bytes. */
function asBytes(data: Data): Data {
  const { type, dictionary } = data;
  if (!DataType.isDictionary(type)) return data.clone(bytesLike(type) ?? type);
  const values = new Vector((dictionary as Vector).data.map(asBytes));
  return new Data(type, data.offset, data.length, data.nullCount, data, data.children, values);
}

/** The type of bytes that is laid out as a type of texts; undefined: it is none. */
function bytesLike(type: DataType): DataType | undefined {
  if (DataType.isUtf8(type)) return new Binary();
  if (DataType.isLargeUtf8(type)) return new LargeBinary();
  return DataType.isUtf8View(type) ? new BinaryView() : undefined;
}
