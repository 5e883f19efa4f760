/** The three tables of a shard, filled subject by subject in listing order, and the numbers that go with them. */
import type { RunConfig } from '../../shared/config.ts';
import type { EmbeddedFace, FaceOutcome, FaceRecord, SubjectId } from '../../shared/face.ts';
import { dot } from '../../shared/l2.ts';
import { countPoses, poseCoverage } from '../../shared/poseBins.ts';
import {
  addByCode,
  addCounters,
  type Counters,
  noCounters,
  rejectCode,
} from '../../shared/run/shardCommit.ts';
import {
  type EmbeddingRow,
  embeddingRows,
  type RejectRow,
  rejectRows,
  type SubjectRow,
  subjectRows,
  type TableRows,
} from '../../shared/table/tables.ts';
import { createLoopYield } from '../loopYield.ts';
import type { AugmentedSubject, Variant } from '../stages/augment.ts';

/** A face of the listing and what became of it. */
export interface FaceResult {
  readonly record: FaceRecord;
  readonly outcome: FaceOutcome<EmbeddedFace>;
}

export interface ShardTables {
  readonly data: TableRows<EmbeddingRow>;
  readonly rejects: TableRows<RejectRow>;
  readonly subjects: TableRows<SubjectRow>;
  readonly counters: Counters;
  readonly rejectsByCode: Readonly<Record<string, number>>;
  /** Adds a subject: all its listed faces, and what augmentation made of the usable ones. One call at a time. */
  add(results: readonly FaceResult[], subject: AugmentedSubject): Promise<void>;
}

export interface ShardTablesOptions {
  readonly dim: number;
  readonly config: Pick<
    RunConfig,
    'format' | 'embeddingType' | 'withLandmarks' | 'withPostureCode' | 'labelColumns'
  >;
  /** class_index of the shard's n-th subject. */
  readonly classIndexOf: (n: number) => number;
  /** Embeddings at most, as far as is known. */
  readonly expectedRows?: number;
  /** Pose bins that augmentation can reach, all where there is none: what coverage is a share of. */
  readonly reachableBins: readonly number[];
}

export function shardTables(options: ShardTablesOptions): ShardTables {
  const data = embeddingRows(
    { dim: options.dim, ...options.config },
    { expectedRows: options.expectedRows, shared: options.config.format === 'arrow' },
  );
  const rejects = rejectRows();
  const subjects = subjectRows();
  const counters = noCounters();
  const rejectsByCode: Record<string, number> = {};
  const loop = createLoopYield();

  return {
    data,
    rejects,
    subjects,
    counters,
    rejectsByCode,
    async add(results, subject) {
      let rejected = 0;
      for (const { record, outcome } of results) {
        if (loop.isDue()) await loop.yield();
        if (outcome.status === 'ok') {
          data.add(realRow(record, outcome.face, subject.centroid));
          continue;
        }
        const { faceId, subjectId, uri } = record;
        rejects.add({ faceId, subjectId, uri, ...outcome.rejection });
        addByCode(rejectsByCode, { [rejectCode(outcome.rejection.stage, outcome.rejection.code)]: 1 });
        rejected++;
      }
      for (const variant of subject.variants) {
        if (loop.isDue()) await loop.yield();
        data.add(variantRow(subject.subjectId, variant));
      }
      subjects.add({
        subjectId: subject.subjectId,
        classIndex: options.classIndexOf(subjects.length),
        faces: subject.faces.length,
        rejects: rejected,
        variants: subject.variants.length,
        variantsRejected: subject.variantsRejected,
        ...coverageOf(subject, options.reachableBins),
      });
      addCounters(counters, {
        faces: results.length,
        ok: subject.faces.length,
        rejected,
        variants: subject.variants.length,
        variantsRejected: subject.variantsRejected,
      });
    },
  };
}

const NOT_MEASURED = { yaw: null, pitch: null, roll: null };

function realRow(
  { faceId, subjectId, labels }: FaceRecord,
  face: EmbeddedFace,
  centroid: Float32Array,
): EmbeddingRow {
  return {
    faceId,
    subjectId,
    kind: 'real',
    variant: null,
    sourceFaceId: null,
    postureId: null,
    ...(face.pose ?? NOT_MEASURED),
    detectionScore: face.detectionScore,
    similarity: dot(face.embedding, centroid),
    facesFound: face.facesFound,
    labels,
    embedding: face.embedding,
    landmarks: face.landmarks ?? null,
    postureCode: face.postureCode ?? null,
  };
}

// Field by field: spreading two objects into a third costs as much as the rest of a row.
function variantRow(subjectId: SubjectId, variant: Variant): EmbeddingRow {
  return {
    faceId: variant.faceId,
    subjectId,
    kind: 'augmented',
    variant: variant.variant,
    sourceFaceId: variant.sourceFaceId,
    postureId: variant.postureId,
    yaw: variant.pose.yaw,
    pitch: variant.pose.pitch,
    roll: variant.pose.roll,
    detectionScore: null,
    similarity: variant.similarity,
    facesFound: null,
    embedding: variant.embedding,
    landmarks: null,
    postureCode: variant.postureCode,
  };
}

/** By the person's faces, those of earlier shards among them, without and with the variants. */
function coverageOf(
  { faces, variants, earlier }: AugmentedSubject,
  reachableBins: readonly number[],
): Pick<SubjectRow, 'poseCoverageBefore' | 'poseCoverageAfter'> {
  const real = countPoses([...(earlier?.real ?? []), ...faces.flatMap(({ face }) => face.pose ?? [])]);
  const generated = countPoses([...(earlier?.variants ?? []), ...variants.map(({ pose }) => pose)]);
  const all = real.map((count, bin) => count + generated[bin]!);
  return {
    poseCoverageBefore: poseCoverage(real, reachableBins),
    poseCoverageAfter: poseCoverage(all, reachableBins),
  };
}
