/**
 * An int64 column of a plan. Values are kept as numbers until the end: a BigInt a row is work for the garbage
 * collector.
 */
import { PosecastError } from '../errors.ts';
import type { Column, ColumnSpec } from './columns.ts';
import { Validity } from './validity.ts';

export class IntegerColumn {
  readonly spec: ColumnSpec;
  private rows = 0;
  private values = new Float64Array(4_096);
  private validity = new Validity();

  constructor(spec: ColumnSpec) {
    this.spec = spec;
  }

  add(value: string | number | null): void {
    if (this.rows === this.values.length) {
      const larger = new Float64Array(2 * this.rows);
      larger.set(this.values);
      this.values = larger;
    }
    if (value === null && this.spec.nullable) this.validity.addNull(this.rows);
    else if (Number.isSafeInteger(value)) this.values[this.rows] = value as number;
    else throw new PosecastError('bad-cell', `column ${this.spec.name} expected an integer, found ${value}`);
    this.rows++;
  }

  /** The column so far. */
  finish(): Column {
    const validity = this.validity.finish(this.rows);
    const values = new BigInt64Array(this.rows);
    // As two halves: a BigInt for each would be made and thrown away.
    const halves = new Int32Array(values.buffer);
    for (let row = 0; row < this.rows; row++) {
      const value = this.values[row]!;
      const high = Math.floor(value / 2 ** 32);
      halves[2 * row] = value - high * 2 ** 32;
      halves[2 * row + 1] = high;
    }
    return { spec: this.spec, values, ...(validity && { validity }), nullCount: this.validity.nullCount };
  }
  clear(): void {
    this.rows = 0;
    this.validity = new Validity();
  }
}
