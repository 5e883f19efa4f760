/** A small run in a store, made by the product's own planner, encoder and commit; only the embeddings are made up. */

import { writeListing } from '../../src/producer/writeListing.ts';
import { parseRunConfig, type RunConfigInput } from '../../src/shared/config.ts';
import type { FaceRecord } from '../../src/shared/face.ts';
import { readListing } from '../../src/shared/listing/listing.ts';
import { readPlan } from '../../src/shared/listing/shardPlan.ts';
import { randomNormal, seededRandom } from '../../src/shared/random.ts';
import { commitShard, type ShardResult } from '../../src/shared/run/commitShard.ts';
import { jsonFile } from '../../src/shared/run/parseFile.ts';
import { createRunFile, type RunFile, type RunModels } from '../../src/shared/run/runFile.ts';
import { RUN_KEY } from '../../src/shared/run/runKeys.ts';
import { addByCode, rejectCode } from '../../src/shared/run/shardCommit.ts';
import type { ShardSpec } from '../../src/shared/shard.ts';
import { bodyBytes, bodySha256 } from '../../src/shared/store/objectBody.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import type { ColumnarTable } from '../../src/shared/table/columns.ts';
import { type EncodedTable, encodeTable } from '../../src/shared/table/encodeTable.ts';
import { type TableMetadata, tableMetadata } from '../../src/shared/table/tableMetadata.ts';
import {
  type EmbeddingRow,
  embeddingRows,
  type RejectRow,
  rejectRows,
  type SubjectRow,
  subjectRows,
} from '../../src/shared/table/tables.ts';

const DIM = 16;
/** Variants kept of each person; one more is dropped. */
export const KEPT_VARIANTS = 3;

/** What a shard of two people of four faces adds to the counters: a face of each is rejected. */
export const PER_SHARD = { faces: 8, ok: 6, rejected: 2, variants: 6, variantsRejected: 2 };

/** Named as the defaults of a run are. */
export const MODELS: RunModels = {
  models: { 'fr-detect': 'a'.repeat(64), 'fr-feature': 'd'.repeat(64) },
  recognizer: { name: 'fr-feature', digest: 'd'.repeat(64) },
  embeddingDim: DIM,
  fra: null,
};

export interface SampleOptions {
  readonly subjects?: number;
  readonly facesPerSubject?: number;
  /** What the listing says of each photograph's size; 0: nothing. */
  readonly bytes?: number;
  readonly config?: Partial<RunConfigInput>;
  readonly runId?: string;
}

/** Plans a run: subjects person-000…, the third face of each is to be rejected. */
export async function planSampleRun(store: ObjectStore, options: SampleOptions = {}): Promise<RunFile> {
  const { subjects = 7, facesPerSubject = 4, bytes = 1000, runId = 'sample-run' } = options;
  const digits = Math.max(3, String(subjects - 1).length);
  async function* faces(): AsyncIterable<FaceRecord> {
    for (let s = 0; s < subjects; s++) {
      const subjectId = `person-${String(s).padStart(digits, '0')}`;
      for (let f = 0; f < facesPerSubject; f++) {
        const faceId = `${subjectId}/${f}.jpg`;
        yield { faceId, subjectId, uri: faceId, bytes };
      }
    }
  }
  const config = parseRunConfig({
    corpus: '/corpus',
    corpusFormat: 'folder',
    imageRoot: '/corpus',
    variants: KEPT_VARIANTS + 1,
    shardFaces: 2 * facesPerSubject,
    ...options.config,
  });
  const limits = { shardFaces: config.shardFaces, shardBytes: config.shardBytes, shardSubjects: 1000 };
  const written = await writeListing(faces(), store, { runId, ...limits, labelColumns: config.labelColumns });
  if (written === undefined) throw new Error('a sample run needs faces');
  const run: RunFile = {
    schemaVersion: 1,
    runId,
    createdAt: '2026-01-01T00:00:00.000Z',
    posecastVersion: '0.0.0',
    config,
    corpus: written.corpus,
    listing: written.listing,
    shards: written.shards,
    ...MODELS,
  };
  await createRunFile(store, run);
  return run;
}

/** What a test may change of a shard's rows before they are committed. */
export interface ShardRows {
  data: EmbeddingRow[];
  rejects: RejectRow[];
  subjects: SubjectRow[];
}

/** The rows a correct worker would give for a shard. */
export async function sampleRows(store: ObjectStore, run: RunFile, spec: ShardSpec): Promise<ShardRows> {
  const rows: ShardRows = { data: [], rejects: [], subjects: [] };
  const bySubject = new Map<string, FaceRecord[]>();
  for (const face of await readListing(store, spec)) {
    bySubject.set(face.subjectId, [...(bySubject.get(face.subjectId) ?? []), face]);
  }
  for (const [subjectId, faces] of bySubject) {
    const real = faces.filter((_, i) => i !== 2);
    for (const { faceId, uri } of faces.filter((face) => !real.includes(face))) {
      rows.rejects.push({
        faceId,
        subjectId,
        uri,
        stage: 'detect',
        code: 'no-face',
        message: 'no face found',
      });
    }
    for (const { faceId } of real) rows.data.push(realRow(run, subjectId, faceId));
    for (let variant = 0; variant < KEPT_VARIANTS; variant++) {
      rows.data.push({
        ...realRow(run, subjectId, `${subjectId}#${variant}`),
        kind: 'augmented',
        variant,
        sourceFaceId: real[0]?.faceId ?? null,
        postureId: `p${variant}`,
        detectionScore: null,
        facesFound: null,
      });
    }
    rows.subjects.push({
      subjectId,
      classIndex: spec.firstClassIndex + rows.subjects.length,
      faces: real.length,
      rejects: faces.length - real.length,
      variants: KEPT_VARIANTS,
      variantsRejected: 1,
      poseCoverageBefore: 0.25,
      poseCoverageAfter: 0.5,
    });
  }
  return rows;
}

function realRow(run: RunFile, subjectId: string, faceId: string): EmbeddingRow {
  const random = seededRandom(1, faceId);
  const embedding = Float32Array.from({ length: run.embeddingDim }, () => randomNormal(random));
  const norm = Math.hypot(...embedding);
  return {
    faceId,
    subjectId,
    kind: 'real',
    variant: null,
    sourceFaceId: null,
    postureId: null,
    yaw: 10,
    pitch: 0,
    roll: 0,
    detectionScore: 0.9,
    similarity: 0.8,
    facesFound: 1,
    embedding: embedding.map((value) => value / norm),
  };
}

/** Rows → what `commitShard` takes. */
export async function shardResult(
  run: RunFile,
  spec: ShardSpec,
  attemptId: string,
  rows: ShardRows,
): Promise<ShardResult> {
  const { format } = run.config;
  const recognizer = {
    runId: run.runId,
    recognizer: run.recognizer.name,
    recognizerDigest: run.recognizer.digest,
  };
  const encode = async (kind: TableMetadata['kind'], table: ColumnarTable): Promise<EncodedTable> => {
    const labels = kind === 'embeddings' ? run.config.labelColumns : [];
    const metadata = tableMetadata({ kind, ...recognizer }, labels);
    const content = await encodeTable(table, { format, metadata });
    return {
      content,
      bytes: bodyBytes(content),
      rows: table.rows,
      sha256: Promise.resolve(bodySha256(content)),
    };
  };
  const data = embeddingRows({ ...run.config, dim: run.embeddingDim });
  for (const row of rows.data) data.add(row);
  const rejects = rejectRows();
  for (const row of rows.rejects) rejects.add(row);
  const subjects = subjectRows();
  for (const row of rows.subjects) subjects.add(row);
  const variants = rows.data.filter(({ kind }) => kind === 'augmented').length;
  const rejectsByCode: Record<string, number> = {};
  for (const { stage, code } of rows.rejects) addByCode(rejectsByCode, { [rejectCode(stage, code)]: 1 });
  return {
    spec,
    attemptId,
    format,
    tables: {
      ...(rows.data.length === 0 ? {} : { data: await encode('embeddings', data.finish()) }),
      ...(rows.rejects.length === 0 ? {} : { rejects: await encode('rejects', rejects.finish()) }),
      subjects: await encode('subjects', subjects.finish()),
    },
    counters: {
      faces: spec.rowEnd - spec.rowStart,
      ok: rows.data.length - variants,
      rejected: rows.rejects.length,
      variants,
      variantsRejected: rows.subjects.reduce((sum, row) => sum + row.variantsRejected, 0),
    },
    rejectsByCode,
    timingsMs: { detect: 1.5 },
    worker: { host: 'test', pid: 1, device: 'cpu' },
    finishedAt: `2026-01-01T00:00:${String(spec.index % 60).padStart(2, '0')}.000Z`,
  };
}

export type ChangeRows = (rows: ShardRows, spec: ShardSpec) => void;

/** Runs one attempt of a shard. */
export async function runSampleShard(
  store: ObjectStore,
  run: RunFile,
  spec: ShardSpec,
  attemptId: string,
  change: ChangeRows = () => undefined,
): Promise<'won' | 'lost'> {
  const rows = await sampleRows(store, run, spec);
  change(rows, spec);
  return commitShard(store, await shardResult(run, spec, attemptId, rows));
}

/** A shard of the run is committed by a worker of another run, which looked just before OUT was used again. */
export async function runShardOfAnother(store: ObjectStore, run: RunFile, spec: ShardSpec): Promise<void> {
  const another = { runId: 'another-run' };
  const before: ObjectStore = {
    ...store,
    get: async (key, range, signal) =>
      key === RUN_KEY ? jsonFile({ ...run, ...another }) : store.get(key, range, signal),
  };
  await runSampleShard(before, { ...run, ...another }, { ...spec, ...another }, 'of-another');
}

export async function sampleSpecs(store: ObjectStore, run: RunFile): Promise<ShardSpec[]> {
  const specs: ShardSpec[] = [];
  for await (const { spec } of readPlan(store, run.runId)) specs.push(spec);
  return specs;
}

/** Plans a run and commits every shard of it. */
export async function makeSampleRun(
  store: ObjectStore,
  options: SampleOptions & { readonly change?: ChangeRows } = {},
): Promise<RunFile> {
  const run = await planSampleRun(store, options);
  for (const spec of await sampleSpecs(store, run)) {
    await runSampleShard(store, run, spec, `attempt-${spec.index}`, options.change);
  }
  return run;
}
