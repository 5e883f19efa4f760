/** Checks the rows of an embedding table that need nothing but the table. */
import type { Data, FixedSizeList, RecordBatch } from 'apache-arrow';
import type { VectorType } from '../shared/table/columns.ts';
import { fromFloat16Bits } from '../shared/table/float16.ts';

/** How far a norm may be from 1: rounding of the stored type, and nothing else. */
const NORM_TOLERANCE: Record<VectorType, number> = { float32: 1e-3, float16: 5e-3 };

const FLOAT_COLUMNS = ['yaw', 'pitch', 'roll', 'detection_score', 'similarity'] as const;

let halves: Float32Array | undefined;

/** All 65536 halves; made on first use. */
function halfValues(): Float32Array {
  halves ??= Float32Array.from({ length: 65_536 }, (_, bits) => fromFloat16Bits(bits));
  return halves;
}

/** Calls `report` for every row whose embedding is not finite or not of unit length, or that holds a NaN. */
export function checkEmbeddings(
  batch: RecordBatch,
  type: VectorType,
  report: (code: string, row: number, problem: string) => void,
): void {
  const embedding = batch.getChild('embedding')?.data[0] as Data;
  const size = (embedding.type as FixedSizeList).listSize;
  const values = (embedding.children[0] as Data).values as Float32Array | Uint16Array;
  const table = values instanceof Uint16Array ? halfValues() : undefined;
  for (let row = 0; row < batch.numRows; row++) {
    const start = (embedding.offset + row) * size;
    let squares = 0;
    for (let i = start; i < start + size; i++) {
      const stored = values[i] as number;
      const value = table === undefined ? stored : (table[stored] as number);
      squares += value * value;
    }
    const norm = Math.sqrt(squares);
    if (!Number.isFinite(norm)) report('not-finite', row, 'embedding has a value that is not finite');
    else if (Math.abs(norm - 1) > NORM_TOLERANCE[type])
      report('norm', row, `embedding has norm ${norm.toFixed(6)}`);
  }
  for (const name of FLOAT_COLUMNS) {
    const column = batch.getChild(name);
    for (let row = 0; row < batch.numRows; row++) {
      const value = column?.get(row) as number | null;
      if (value !== null && !Number.isFinite(value)) report('not-finite', row, `${name} is not finite`);
    }
  }
}
