/** Reads a finished run from its folder, as a user of the output would. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunManifest, runManifestSchema } from '../../src/shared/run/manifest.ts';
import { parseJsonFile } from '../../src/shared/run/parseFile.ts';
import { readTable } from '../../src/shared/table/readTable.ts';

export interface EmbeddingRecord {
  readonly faceId: string;
  readonly subjectId: string;
  readonly kind: 'real' | 'augmented';
  readonly sourceFaceId: string | null;
  readonly postureId: string | null;
  /** Degrees; null in a run without poses. */
  readonly yaw: number | null;
  readonly similarity: number;
  readonly embedding: Float32Array;
  /** Undefined in a run without codes. */
  readonly postureCode: Float32Array | undefined;
}

export interface RejectRecord {
  readonly faceId: string;
  readonly stage: string;
  readonly code: string;
}

export interface FinishedRun {
  readonly manifest: RunManifest;
  readonly rows: readonly EmbeddingRecord[];
  readonly rejects: readonly RejectRecord[];
}

export async function readRun(out: string): Promise<FinishedRun> {
  const manifest = parseJsonFile(
    runManifestSchema,
    await readFile(join(out, 'manifest.json')),
    'manifest.json',
  );
  const rows: EmbeddingRecord[] = [];
  const rejects: RejectRecord[] = [];
  for (const { key, kind } of manifest.files) {
    for (const batch of readTable(await readFile(join(out, key)), { key }).batches) {
      for (let row = 0; row < batch.numRows; row++) {
        const cell = (name: string): unknown => batch.getChild(name)?.get(row);
        if (kind === 'rejects') {
          rejects.push({
            faceId: String(cell('face_id')),
            stage: String(cell('stage')),
            code: String(cell('code')),
          });
          continue;
        }
        rows.push({
          faceId: String(cell('face_id')),
          subjectId: String(cell('subject_id')),
          kind: cell('kind') === 'real' ? 'real' : 'augmented',
          sourceFaceId: cell('source_face_id') as string | null,
          postureId: cell('posture_id') as string | null,
          yaw: cell('yaw') as number | null,
          similarity: Number(cell('similarity')),
          embedding: Float32Array.from(cell('embedding') as Iterable<number>),
          postureCode: floats(cell('posture_code')),
        });
      }
    }
  }
  return { manifest, rows, rejects };
}

function floats(value: unknown): Float32Array | undefined {
  return value === undefined || value === null ? undefined : Float32Array.from(value as Iterable<number>);
}

/** The largest difference between two runs' embeddings, row by row; Infinity when the rows differ. */
export function largestDifference(a: FinishedRun, b: FinishedRun): number {
  const others = new Map(b.rows.map((row) => [row.faceId, row]));
  if (others.size !== a.rows.length || a.rows.length !== b.rows.length) return Infinity;
  let largest = 0;
  for (const row of a.rows) {
    const other = others.get(row.faceId);
    if (other === undefined || other.postureId !== row.postureId) return Infinity;
    for (const [i, value] of row.embedding.entries()) {
      largest = Math.max(largest, Math.abs(value - other.embedding[i]!));
    }
  }
  return largest;
}
