/** The thread that reads committed data files for what they hold of some people. */
import type { Data, FixedSizeList, RecordBatch } from 'apache-arrow';
import type { SubjectId } from '../../shared/face.ts';
import { requireDigest } from '../../shared/run/requireDigest.ts';
import { columnOf } from '../../shared/table/columnOf.ts';
import { fromFloat16Bits } from '../../shared/table/float16.ts';
import { readTable } from '../../shared/table/readTable.ts';
import { serveThread } from '../../shared/threads/serveThread.ts';

export interface EarlierRequest {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly subjectIds: readonly SubjectId[];
}

/** What a data file holds of a person. */
export interface EarlierRows {
  readonly subjectId: SubjectId;
  /** Sum of the real embeddings, D values; undefined when there is none. */
  readonly sum: Float32Array | undefined;
  /** Degrees, row by row; none of a run without poses. */
  readonly real: readonly EarlierPose[];
  readonly variants: readonly EarlierPose[];
}

export interface EarlierPose {
  readonly yaw: number;
  readonly pitch: number;
}

interface Collected {
  sum: Float32Array | undefined;
  readonly real: EarlierPose[];
  readonly variants: EarlierPose[];
}

const COLUMNS = ['subject_id', 'kind', 'yaw', 'pitch', 'embedding'] as const;

await serveThread<undefined, EarlierRequest, EarlierRows[]>(async () => async (request) => {
  const { key, bytes, sha256, subjectIds } = request;
  requireDigest(bytes, sha256, key);
  const found = new Map<string, Collected>();
  const wanted = new Set(subjectIds);
  for (const batch of readTable(bytes, { key, columns: COLUMNS }).batches) {
    const [subjects, kinds, yaws, pitches] = COLUMNS.map((name) => columnOf(batch, name));
    const vectors = openVectors(batch);
    for (let row = 0; row < batch.numRows; row++) {
      const subjectId = String(subjects?.get(row));
      if (!wanted.has(subjectId)) continue;
      const rows = found.get(subjectId) ?? { sum: undefined, real: [], variants: [] };
      found.set(subjectId, rows);
      const [yaw, pitch] = [yaws?.get(row), pitches?.get(row)] as (number | null)[];
      const isReal = kinds?.get(row) === 'real';
      // Null: the run measures no poses.
      if (yaw != null && pitch != null) (isReal ? rows.real : rows.variants).push({ yaw, pitch });
      if (isReal) {
        rows.sum ??= new Float32Array(vectors.size);
        vectors.addTo(rows.sum, row);
      }
    }
  }
  return { response: [...found].map(([subjectId, rows]) => ({ subjectId, ...rows })) };
});

function openVectors(batch: RecordBatch): {
  readonly size: number;
  addTo(sum: Float32Array, row: number): void;
} {
  const data = batch.getChild('embedding')?.data[0] as Data<FixedSizeList>;
  const size = data.type.listSize;
  const values = (data.children[0] as Data).values as Float32Array | Uint16Array;
  const valueAt =
    values instanceof Uint16Array ? (i: number) => fromFloat16Bits(values[i]!) : (i: number) => values[i]!;
  return {
    size,
    addTo(sum, row) {
      const start = (data.offset + row) * size;
      for (let i = 0; i < size; i++) sum[i]! += valueAt(start + i);
    },
  };
}
