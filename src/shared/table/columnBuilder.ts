/**
 * Fills a column row by row. Buffers double as they fill, so a row costs a copy of its values and nothing else;
 * vectors, which are nearly all of a table, are never moved when the number of rows was known.
 */
import { PosecastError } from '../errors.ts';
import type { Column, ColumnSpec, ScalarType } from './columns.ts';

/** What a row may hold in a column; the type must be the one the column's spec asks for. */
export type CellValue = string | number | Float32Array | null;

const SCALAR_ARRAYS = {
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

/** Integer ranges; int64 is held to what a JavaScript number says exactly. */
const INTEGER_BOUND: Partial<Record<ScalarType, number>> = {
  int16: 2 ** 15 - 1,
  int32: 2 ** 31 - 1,
  int64: Number.MAX_SAFE_INTEGER,
};

/** UTF-8 bytes a column may hold: its offsets are int32. */
const MAX_TEXT_BYTES = 2 ** 31 - 1;

const encoder = new TextEncoder();

type Numbers = Column['values'];

export class ColumnBuilder {
  readonly spec: ColumnSpec;
  private rows = 0;
  private nulls = 0;
  /** Elements of `values` in use. */
  private used = 0;
  private values: Numbers;
  private offsets: Int32Array | undefined;
  private validity = new Uint8Array(16);

  private readonly vectorMemory: typeof ArrayBuffer | typeof SharedArrayBuffer;

  /**
   * @param expectedRows room for as many vectors is taken at once; memory that stays unused is never touched.
   * @param shared vectors lie in shared memory.
   */
  constructor(
    spec: ColumnSpec,
    { expectedRows = 0, shared = false }: { expectedRows?: number | undefined; shared?: boolean } = {},
  ) {
    this.spec = spec;
    this.vectorMemory = shared ? SharedArrayBuffer : ArrayBuffer;
    if (spec.type === 'utf8') {
      this.values = this.allocate(1024);
      this.offsets = new Int32Array(128);
    } else if (typeof spec.type === 'string') {
      this.values = this.allocate(128);
    } else {
      this.values = this.allocate(spec.type.size * Math.max(16, expectedRows));
    }
  }

  /** Throws a PosecastError when the value does not fit the column. */
  add(value: CellValue): void {
    if (value === null) {
      if (!this.spec.nullable) this.refuse('may not be null');
      this.addNull();
    } else if (typeof value === 'string') this.addText(value);
    else if (typeof value === 'number') this.addNumber(value);
    else this.addVector(value);
    this.mark(value !== null);
    this.rows++;
  }

  /** The column so far; the builder must not be used afterwards. */
  finish(): Column {
    return {
      spec: this.spec,
      values: this.values.subarray(0, this.used) as Numbers,
      ...(this.offsets === undefined ? {} : { offsets: this.offsets.subarray(0, this.rows + 1) }),
      ...(this.nulls === 0 ? {} : { validity: this.validity.subarray(0, Math.ceil(this.rows / 8)) }),
      nullCount: this.nulls,
    };
  }

  private addNull(): void {
    this.nulls++;
    const { type } = this.spec;
    if (type === 'utf8') this.endText();
    // A fixed-size list keeps its places for a null row; they stay zero.
    else this.reserve(typeof type === 'string' ? 1 : type.size);
  }

  private addText(value: string): void {
    if (this.spec.type !== 'utf8') this.refuse('is not a text column');
    // At most three UTF-8 bytes for each UTF-16 unit.
    const start = this.used;
    this.reserve(value.length * 3);
    const { written } = encoder.encodeInto(value, (this.values as Uint8Array).subarray(start));
    this.used = start + written;
    if (this.used > MAX_TEXT_BYTES) this.refuse('holds more than 2 GiB of text');
    this.endText();
  }

  private endText(): void {
    const offsets = this.offsets as Int32Array;
    if (this.rows + 2 > offsets.length) {
      this.offsets = new Int32Array(offsets.length * 2);
      this.offsets.set(offsets);
    }
    (this.offsets as Int32Array)[this.rows + 1] = this.used;
  }

  private addNumber(value: number): void {
    const { type } = this.spec;
    if (typeof type !== 'string' || type === 'utf8') this.refuse('is not a number column');
    const bound = INTEGER_BOUND[type as ScalarType];
    if (bound !== undefined && (!Number.isInteger(value) || Math.abs(value) > bound)) {
      this.refuse(`must be an integer within ±${bound}, got ${value}`);
    }
    const at = this.used;
    this.reserve(1);
    if (this.values instanceof BigInt64Array) this.values[at] = BigInt(value);
    else this.values[at] = value;
  }

  private addVector(value: Float32Array): void {
    const { type } = this.spec;
    if (typeof type === 'string') this.refuse('is not a vector column');
    if (value.length !== type.size) this.refuse(`must have ${type.size} values, got ${value.length}`);
    const at = this.used;
    this.reserve(type.size);
    (this.values as Float32Array).set(value, at);
  }

  private mark(present: boolean): void {
    const byte = this.rows >> 3;
    if (byte >= this.validity.length) {
      const larger = new Uint8Array(this.validity.length * 2);
      larger.set(this.validity);
      this.validity = larger;
    }
    if (present) this.validity[byte] = (this.validity[byte] as number) | (1 << (this.rows & 7));
  }

  /** Takes `count` more elements into use. */
  private reserve(count: number): void {
    this.used += count;
    if (this.used <= this.values.length) return;
    const larger = this.allocate(Math.max(this.used, this.values.length * 2));
    (larger as Uint8Array).set(this.values as Uint8Array);
    this.values = larger;
  }

  private allocate(length: number): Numbers {
    const { type } = this.spec;
    if (type === 'utf8') return new Uint8Array(length);
    if (typeof type === 'string') return new SCALAR_ARRAYS[type](length);
    return new Float32Array(new this.vectorMemory(length * Float32Array.BYTES_PER_ELEMENT));
  }

  private refuse(problem: string): never {
    throw new PosecastError('bad-cell', `column ${this.spec.name} ${problem}`, { row: this.rows });
  }
}
