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

/** A finished column. `values`: UTF-8 bytes (utf8), rows (scalars), rows × size (vectors; float16 as its bits). */
export interface Column {
  readonly spec: ColumnSpec;
  readonly values:
    | Uint8Array
    | Uint16Array
    | Int16Array
    | Int32Array
    | BigInt64Array
    | Float32Array
    | Float64Array;
  /** utf8 only: rows + 1 positions in `values`. */
  readonly offsets?: Int32Array;
  /** One bit a row, least significant first, 1 = present; absent when no row is null. */
  readonly validity?: Uint8Array;
  readonly nullCount: number;
}

/** A finished table: transferable, no strings and no per-row objects. */
export interface TableColumns {
  readonly rows: number;
  readonly columns: readonly Column[];
}

/** Every buffer of a table, for postMessage's transfer list. */
export function tableBuffers(table: TableColumns): ArrayBuffer[] {
  return table.columns
    .flatMap(({ values, offsets, validity }) => [values, offsets, validity])
    .filter((view) => view !== undefined)
    .map((view) => view.buffer as ArrayBuffer);
}
