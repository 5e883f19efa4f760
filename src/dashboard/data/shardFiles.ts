/**
 * The tables of single shards, parsed; the last ones stay in memory. Which file counts is known from the shard's
 * commit.
 */
import { z } from 'zod';
import { describeIssues } from '../../shared/config.ts';
import { IntegrityError } from '../../shared/errors.ts';
import type { FaceRecord, Pose } from '../../shared/face.ts';
import { readListing } from '../../shared/listing/listing.ts';
import type { RunFile } from '../../shared/run/runFile.ts';
import { readCommitOf, type ShardCommit } from '../../shared/run/shardCommit.ts';
import type { ObjectStore } from '../../shared/store/objectStore.ts';
import { readColumns } from '../../shared/table/readColumns.ts';
import { rowSchema } from '../../shared/table/rowSchema.ts';
import {
  EMBEDDING_COLUMNS,
  REJECT_COLUMNS,
  type RejectRow,
  SUBJECT_COLUMNS,
  type SubjectRow,
} from '../../shared/table/tables.ts';
import { keepRecent } from './recent.ts';

/** Rows of each kind of table in memory. */
const KEPT_ROWS = 50_000;
const KEPT_COMMITS = 256;

const rejectCells = rowSchema(REJECT_COLUMNS);

function rejectRow({ face_id, subject_id, stage, ...row }: z.infer<typeof rejectCells>): RejectRow {
  // Of any version of posecast.
  return { faceId: face_id, subjectId: subject_id, stage: stage as RejectRow['stage'], ...row };
}

const subjectCells = rowSchema(SUBJECT_COLUMNS);

function subjectRow(row: z.infer<typeof subjectCells>): SubjectRow {
  return {
    subjectId: row.subject_id,
    classIndex: row.class_index,
    faces: row.faces,
    rejects: row.rejects,
    variants: row.variants,
    variantsRejected: row.variants_rejected,
    poseCoverageBefore: row.pose_coverage_before,
    poseCoverageAfter: row.pose_coverage_after,
  };
}

const embeddingCells = rowSchema(EMBEDDING_COLUMNS).extend({
  kind: z.enum(['real', 'augmented']),
  embedding: z.custom<ArrayLike<number>>(
    (value) => typeof value === 'object' && value !== null && 'length' in value,
    'expected a vector',
  ),
});
const poseColumns = { subject_id: true, kind: true, yaw: true, pitch: true } as const;
const poseCells = embeddingCells.pick(poseColumns);

export interface PoseRow {
  readonly subjectId: string;
  readonly kind: 'real' | 'augmented';
  /** Degrees; undefined in a run that measures no poses. */
  readonly pose: Pick<Pose, 'yaw' | 'pitch'> | undefined;
}

function poseRow({ subject_id, kind, yaw, pitch }: z.infer<typeof poseCells>): PoseRow {
  const pose = yaw === null || pitch === null ? undefined : { yaw, pitch };
  return { subjectId: subject_id, kind, pose };
}

const pointCells = embeddingCells.pick({ ...poseColumns, face_id: true, similarity: true, embedding: true });

export interface EmbeddingPoint extends PoseRow {
  readonly faceId: string;
  readonly similarity: number | null;
  readonly embedding: ArrayLike<number>;
}

function embeddingPoint(row: z.infer<typeof pointCells>): EmbeddingPoint {
  const { face_id: faceId, similarity, embedding } = row;
  return { faceId, ...poseRow(row), similarity, embedding };
}

export interface ShardFiles {
  /** The commit of a shard; IntegrityError when it has none. */
  commit(shard: number): Promise<ShardCommit>;
  /** The faces of a committed shard, in the order of the listing. */
  listing(shard: number): Promise<readonly FaceRecord[]>;
  rejects(shard: number): Promise<readonly RejectRow[]>;
  subjects(shard: number): Promise<readonly SubjectRow[]>;
  poses(shard: number): Promise<readonly PoseRow[]>;
  /** Rows of these people, with their embeddings. Not kept. */
  embeddings(shard: number, subjectIds: ReadonlySet<string>): Promise<readonly EmbeddingPoint[]>;
}

export function openShardFiles(run: RunFile, store: ObjectStore): ShardFiles {
  const commits = keepRecent<ShardCommit>(KEPT_COMMITS);
  const listings = keepRecent<readonly FaceRecord[]>(KEPT_ROWS, (rows) => rows.length);
  const rejects = keepRecent<readonly RejectRow[]>(KEPT_ROWS, (rows) => rows.length);
  const subjects = keepRecent<readonly SubjectRow[]>(KEPT_ROWS, (rows) => rows.length);
  const poses = keepRecent<readonly PoseRow[]>(2 * KEPT_ROWS, (rows) => rows.length);

  async function rowsOf<Cells extends z.ZodObject, Row>(
    key: string | undefined,
    cells: Cells,
    rowOf: (row: z.infer<Cells>) => Row,
  ): Promise<Row[]> {
    if (key === undefined) return [];
    const found = await readColumns(store, key, Object.keys(cells.shape));
    const parsed = z.array(cells).safeParse(found);
    if (parsed.success) return parsed.data.map(rowOf);
    throw new IntegrityError('bad-table', `table file: ${describeIssues(parsed.error)}`, { key });
  }

  const files: ShardFiles = {
    commit: (shard) =>
      commits.get(String(shard), async () => {
        const commit = await readCommitOf(store, run.runId, shard);
        if (commit !== undefined) return commit;
        throw new IntegrityError('missing-commit', 'shard has no commit', { shard, runId: run.runId });
      }),
    listing: (shard) =>
      listings.get(String(shard), async () => readListing(store, (await files.commit(shard)).spec)),
    rejects: (shard) =>
      rejects.get(String(shard), async () =>
        rowsOf((await files.commit(shard)).rejects?.key, rejectCells, rejectRow),
      ),
    subjects: (shard) =>
      subjects.get(String(shard), async () =>
        rowsOf((await files.commit(shard)).subjects.key, subjectCells, subjectRow),
      ),
    poses: (shard) =>
      poses.get(String(shard), async () => rowsOf((await files.commit(shard)).data?.key, poseCells, poseRow)),
    async embeddings(shard, subjectIds) {
      const rows = await rowsOf((await files.commit(shard)).data?.key, pointCells, embeddingPoint);
      return rows.filter(({ subjectId }) => subjectIds.has(subjectId));
    },
  };
  return files;
}
