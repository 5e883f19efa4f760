/**
 * A float64 column of a plan: a builder that can be emptied. Few corpora have one, so it is not as fast as the others.
 */

import { ColumnBuilder } from './columnBuilder.ts';
import type { Column, ColumnSpec } from './columns.ts';

export class NumberColumn {
  readonly spec: ColumnSpec;
  private builder: ColumnBuilder;

  constructor(spec: ColumnSpec) {
    this.spec = spec;
    this.builder = new ColumnBuilder(spec);
  }

  add(value: string | number | null): void {
    this.builder.add(value);
  }

  finish(): Column {
    return this.builder.finish();
  }

  clear(): void {
    this.builder = new ColumnBuilder(this.spec);
  }
}
