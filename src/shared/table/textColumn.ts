/**
 * A text column of a plan, filled at millions of rows a second: texts are gathered and encoded a thousand at a time,
 * where encoding them one by one takes longer than all else that is done with them.
 */
import { PosecastError } from '../errors.ts';
import type { Column, ColumnSpec } from './columns.ts';
import { Validity } from './validity.ts';

const GATHERED = 1_024;
/** UTF-8 bytes a column may hold: its offsets are int32. */
const MAX_BYTES = 2 ** 31 - 1;

const encoder = new TextEncoder();

export class TextColumn {
  readonly spec: ColumnSpec;
  private gathered: string[] = [];
  private rows = 0;
  private bytes = 0;
  private values = new Uint8Array(64 * 1024);
  private offsets = new Int32Array(4 * GATHERED);
  private validity = new Validity();

  constructor(spec: ColumnSpec) {
    this.spec = spec;
  }

  add(value: string | number | null): void {
    if (typeof value === 'string') this.gathered.push(value);
    else if (value === null && this.spec.nullable) {
      this.validity.addNull(this.rows + this.gathered.length);
      this.gathered.push('');
    } else {
      throw new PosecastError('bad-cell', `column ${this.spec.name} expected a text, found ${value}`);
    }
    if (this.gathered.length === GATHERED) this.encode();
  }

  /** The column so far, in buffers that the rows after a `clear` will overwrite. */
  finish(): Column {
    this.encode();
    const validity = this.validity.finish(this.rows);
    return {
      spec: this.spec,
      values: this.values.subarray(0, this.bytes),
      offsets: this.offsets.subarray(0, this.rows + 1),
      ...(validity && { validity }),
      nullCount: this.validity.nullCount,
    };
  }

  clear(): void {
    this.gathered = [];
    this.rows = 0;
    this.bytes = 0;
    this.validity = new Validity();
  }

  private encode(): void {
    const { gathered } = this;
    if (gathered.length === 0) return;
    const text = gathered.join('');
    this.makeRoom(text.length * 3, gathered.length);
    const { written } = encoder.encodeInto(text, this.values.subarray(this.bytes));
    if (written === text.length) {
      for (const one of gathered) this.endRow(one.length);
    } else {
      // Not ASCII alone: only the encoder knows how long each is.
      for (const one of gathered) {
        this.endRow(encoder.encodeInto(one, this.values.subarray(this.bytes)).written);
      }
    }
    this.gathered = [];
  }

  private endRow(bytes: number): void {
    this.bytes += bytes;
    this.offsets[++this.rows] = this.bytes;
  }

  private makeRoom(bytes: number, rows: number): void {
    const needed = this.bytes + bytes;
    if (needed > MAX_BYTES) {
      throw new PosecastError('bad-cell', `column ${this.spec.name} holds more than 2 GiB of text`);
    }
    if (needed > this.values.length) {
      const larger = new Uint8Array(Math.min(MAX_BYTES, Math.max(needed, 2 * this.values.length)));
      larger.set(this.values);
      this.values = larger;
    }
    if (this.rows + rows + 1 > this.offsets.length) {
      const larger = new Int32Array(2 * this.offsets.length);
      larger.set(this.offsets);
      this.offsets = larger;
    }
  }
}
