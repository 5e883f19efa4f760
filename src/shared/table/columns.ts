/**
 * Columns in the layout of Arrow: flat buffers that grow, that a thread hands over instead of copying, and that
 * become Arrow vectors without a conversion.
 */

export type ScalarType = 'int16' | 'int32' | 'int64' | 'float32' | 'float64';
export type VectorType = 'float32' | 'float16';

/** A column of an output table. */
export interface ColumnSpec {
  readonly name: string;
  readonly type: 'utf8' | ScalarType | { readonly vector: VectorType; readonly size: number };
  readonly nullable: boolean;
}

/**
 * A finished column. `values`: UTF-8 bytes (utf8), rows (scalars), rows × size (vectors). Vectors are float32 here
 * whatever they become in the file: rounding a shard's embeddings takes too long for the thread that fills columns.
 * They may lie in shared memory, so that a file that consists of them can be hashed by one thread and written by
 * another at the same time.
 */
export interface Column {
  readonly spec: ColumnSpec;
  readonly values: Uint8Array | Int16Array | Int32Array | BigInt64Array | Float32Array | Float64Array;
  /** utf8 only: rows + 1 positions in `values`. */
  readonly offsets?: Int32Array;
  /** One bit a row, least significant first, 1 = present; absent when no row is null. */
  readonly validity?: Uint8Array;
  readonly nullCount: number;
}

/** A finished table: transferable, no strings and no per-row objects. */
export interface ColumnarTable {
  readonly rows: number;
  readonly columns: readonly Column[];
}

/** Every buffer of a table that is not shared with the other threads already, for postMessage's transfer list. */
export function tableBuffers(table: ColumnarTable): ArrayBuffer[] {
  return table.columns
    .flatMap(({ values, offsets, validity }) => [values, offsets, validity])
    .filter((view) => view !== undefined)
    .map((view) => view.buffer)
    .filter((buffer) => buffer instanceof ArrayBuffer);
}

/** Rows [start, end) of a table; `start` must be a multiple of 8. Numbers are views, texts and nulls are copies. */
export function sliceTable(table: ColumnarTable, start: number, end: number): ColumnarTable {
  return { rows: end - start, columns: table.columns.map((column) => sliceColumn(column, start, end)) };
}

function sliceColumn({ spec, values, offsets, validity }: Column, start: number, end: number): Column {
  const present = validity?.slice(start / 8, Math.ceil(end / 8));
  const nullCount = present === undefined ? 0 : end - start - countBits(present, end - start);
  const nulls = { nullCount, ...(present === undefined ? {} : { validity: present }) };
  if (offsets === undefined) {
    const width = typeof spec.type === 'object' ? spec.type.size : 1;
    return { spec, values: values.subarray(start * width, end * width), ...nulls };
  }
  const first = offsets[start] as number;
  const text = values.subarray(first, offsets[end]);
  return { spec, values: text, offsets: offsets.slice(start, end + 1).map((at) => at - first), ...nulls };
}

function countBits(bitmap: Uint8Array, bits: number): number {
  let count = 0;
  for (let i = 0; i < bits; i++) count += ((bitmap[i >> 3] as number) >> (i & 7)) & 1;
  return count;
}
