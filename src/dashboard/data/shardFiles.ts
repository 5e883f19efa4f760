/**
 * The tables of single shards, parsed; the last ones stay in memory. Which file counts is known from the shard's
 * commit.
 */
import { z } from 'zod';
import { describeIssues } from '../../shared/config.ts';
import { IntegrityError } from '../../shared/errors.ts';
import type { FaceRecord } from '../../shared/face.ts';
import { readListing } from '../../shared/listing.ts';
import type { RunFile } from '../../shared/run/runFile.ts';
import { readCommitOf, type ShardCommit } from '../../shared/run/shardCommit.ts';
import type { ObjectStore } from '../../shared/store/objectStore.ts';
import { readColumns } from '../../shared/table/readColumns.ts';
import type { RejectRow, SubjectRow } from '../../shared/table/tables.ts';
import { keepRecent } from './recent.ts';

/** Rows of each kind of table in memory. */
const KEPT_ROWS = 50_000;
const KEPT_COMMITS = 256;

const text = z.string();
const number = z.number();

const rejectRow = z
  .object({
    face_id: text,
    subject_id: text,
    uri: text,
    // Of any version of posecast.
    stage: text,
    code: text,
    message: text,
  })
  .transform((row) => ({
    faceId: row.face_id,
    subjectId: row.subject_id,
    uri: row.uri,
    stage: row.stage as RejectRow['stage'],
    code: row.code,
    message: row.message,
  }));

const subjectRow = z
  .object({
    subject_id: text,
    class_index: z.union([z.bigint(), number]).transform(Number),
    faces: number,
    rejects: number,
    variants: number,
    variants_rejected: number,
    pose_coverage_before: number,
    pose_coverage_after: number,
  })
  .transform(
    (row): SubjectRow => ({
      subjectId: row.subject_id,
      classIndex: row.class_index,
      faces: row.faces,
      rejects: row.rejects,
      variants: row.variants,
      variantsRejected: row.variants_rejected,
      poseCoverageBefore: row.pose_coverage_before,
      poseCoverageAfter: row.pose_coverage_after,
    }),
  );

const poseFields = { yaw: number.nullable(), pitch: number.nullable() };

/** Degrees; undefined in a run that measures no poses. */
function poseOf({ yaw, pitch }: { readonly yaw: number | null; readonly pitch: number | null }) {
  return yaw === null || pitch === null ? undefined : { yaw, pitch };
}

const poseRow = z
  .object({ subject_id: text, kind: z.enum(['real', 'augmented']), ...poseFields })
  .transform((row) => ({ subjectId: row.subject_id, kind: row.kind, pose: poseOf(row) }));

export type PoseRow = z.infer<typeof poseRow>;

const vector = z.custom<ArrayLike<number>>(
  (value) => typeof value === 'object' && value !== null && 'length' in value,
  'expected a vector',
);

const embeddingRow = z
  .object({
    face_id: text,
    subject_id: text,
    kind: z.enum(['real', 'augmented']),
    ...poseFields,
    similarity: number.nullable(),
    embedding: vector,
  })
  .transform((row) => ({
    faceId: row.face_id,
    subjectId: row.subject_id,
    kind: row.kind,
    pose: poseOf(row),
    similarity: row.similarity,
    embedding: row.embedding,
  }));

export type EmbeddingPoint = z.infer<typeof embeddingRow>;

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

  async function rowsOf<T>(
    key: string | undefined,
    schema: z.ZodType<T>,
    columns: readonly string[],
  ): Promise<T[]> {
    if (key === undefined) return [];
    const parsed = z.array(schema).safeParse(await readColumns(store, key, columns));
    if (parsed.success) return parsed.data;
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
        rowsOf((await files.commit(shard)).rejects?.key, rejectRow, [
          'face_id',
          'subject_id',
          'uri',
          'stage',
          'code',
          'message',
        ]),
      ),
    subjects: (shard) =>
      subjects.get(String(shard), async () =>
        rowsOf((await files.commit(shard)).subjects.key, subjectRow, [
          'subject_id',
          'class_index',
          'faces',
          'rejects',
          'variants',
          'variants_rejected',
          'pose_coverage_before',
          'pose_coverage_after',
        ]),
      ),
    poses: (shard) =>
      poses.get(String(shard), async () =>
        rowsOf((await files.commit(shard)).data?.key, poseRow, ['subject_id', 'kind', 'yaw', 'pitch']),
      ),
    async embeddings(shard, subjectIds) {
      const columns = ['face_id', 'subject_id', 'kind', 'yaw', 'pitch', 'similarity', 'embedding'];
      const rows = await rowsOf((await files.commit(shard)).data?.key, embeddingRow, columns);
      return rows.filter(({ subjectId }) => subjectIds.has(subjectId));
    },
  };
  return files;
}
