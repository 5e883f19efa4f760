/** Rows of a network's inputs and outputs: those that are wanted, picked for one run. */
import type { NetworkTensor } from './runtime.ts';

/** A tensor of `count` items, each of them a row of values behind the one before. */
export interface RowTable extends NetworkTensor {
  readonly count: number;
}

/**
 * A tensor as the rows of `count` items: its first dimension is `count`, or a multiple where an item has several rows
 * of it.
 */
export function rowTable({ data, dims }: NetworkTensor, count: number): RowTable {
  if (data.length % count !== 0 || dims[0]! % count !== 0) {
    throw new RangeError(`expected rows of ${count} items, found shape [${dims.join(',')}]`);
  }
  return { data, dims, count };
}

/** Values of a matrix (n,width) as rows. */
export function matrixRows(data: Float32Array, width: number): RowTable {
  return { data, dims: [data.length / width, width], count: data.length / width };
}

/** Picks rows in their order, into the same memory every time: an answer is good until the next one. */
export function openRowPicker(): (table: RowTable, rows: Uint32Array) => RowTable {
  let room = new Float32Array(0);
  return ({ data, dims: [first = 0, ...others], count }, rows) => {
    const size = data.length / count;
    if (room.length < rows.length * size) room = new Float32Array(rows.length * size);
    rows.forEach((row, i) => {
      room.set(data.subarray(row * size, (row + 1) * size), i * size);
    });
    return {
      data: room.subarray(0, rows.length * size),
      dims: [(first / count) * rows.length, ...others],
      count: rows.length,
    };
  };
}
