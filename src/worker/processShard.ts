/**
 * One shard from its rows in the listing to its commit: read → faces → variants → tables → commit. No queue in
 * sight: whoever calls it decides when, and may call it twice for the same shard.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import pLimit, { type LimitFunction } from 'p-limit';
import type { CorpusSource, ImagePlace } from '../shared/corpus/corpusSource.ts';
import { PermanentShardError } from '../shared/errors.ts';
import type { FaceRecord } from '../shared/face.ts';
import { readListing } from '../shared/listing.ts';
import { commitShard } from '../shared/run/commitShard.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import type { RunPlan } from '../shared/run/runPlan.ts';
import { type Counters, readShardCommit } from '../shared/run/shardCommit.ts';
import type { ShardSpec } from '../shared/shard.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import type { EncodedTable } from '../shared/table/encodeTable.ts';
import { type TableMetadata, tableMetadata } from '../shared/table/tableMetadata.ts';
import type { TableRows } from '../shared/table/tables.ts';
import { batchRecords } from './batchRecords.ts';
import type { EarlierReader } from './earlierReader.ts';
import type { ModelPool, ShardModels } from './modelPool.ts';
import type { ThreadTimes } from './modelThread.ts';
import { openShardImages } from './shardImages.ts';
import { openShardReader } from './shardReader.ts';
import { type FaceResult, type ShardTables, shardTables } from './shardTables.ts';
import {
  type AugmentedSubject,
  type AugmentOptions,
  augment,
  type Combine,
  type EarlierSubject,
  type PostureTargets,
  type SubjectFaces,
  subjectCentroid,
} from './stages/augment.ts';
import { openStopwatch, type Stopwatch } from './stopwatch.ts';
import type { TableImages } from './tableImages.ts';
import type { TableWriter } from './tableWriter.ts';
import { BATCH_STAGES, type WorkObserver } from './workObserver.ts';

/** What every shard of a run shares in a worker process. */
export interface ShardContext {
  readonly run: RunFile;
  readonly store: ObjectStore;
  /** Where the photographs of the listing are read. */
  readonly corpus: CorpusSource;
  /** Reads those that lie in the rows of tables; absent where the corpus is no table. */
  readonly tableImages?: TableImages;
  /** What the jobs of the queue are held to. */
  readonly plan: RunPlan;
  /** For people whose photographs came at several times. */
  readonly earlier: EarlierReader;
  readonly models: ModelPool;
  readonly tableWriter: TableWriter;
  /** Absent when the run asks for no variants. */
  readonly augmentation?: { readonly targets: PostureTargets; readonly options: AugmentOptions };
  readonly device: string;
  /** Faces a model thread gets at a time. */
  readonly batchFaces: number;
  /** Bounds the images being read at once in this process. */
  readonly readLimit: LimitFunction;
}

/** The context with the models as one shard sees them. */
type InTurn = Omit<ShardContext, 'models'> & { readonly models: ShardModels };

/** What has been done since the last report. */
export interface ShardProgress {
  readonly faces: number;
  readonly rejects: number;
  readonly variants: number;
}

export interface ShardRunOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (done: ShardProgress) => void;
  /** Receives every photograph as soon as it is done, long before the shard is committed. */
  readonly onFaces?: (results: readonly FaceResult[]) => void;
  /** Gets the times of this shard's stages, also when it fails. */
  readonly stopwatch?: Stopwatch;
  /** Hears of batches and threads. */
  readonly observer?: WorkObserver;
  /** Receives what the commit counts, when it is this call's. */
  readonly onCommitted?: (counters: Counters, rejectsByCode: Readonly<Record<string, number>>) => void;
}

/** `committed`: by this call. `taken`: another attempt's commit stands. */
export type ShardOutcome = 'committed' | 'taken';

/** Subjects augmented with one call of the combiner. */
const SUBJECTS_AT_ONCE = 64;

/** Throws when the shard cannot be done now; nothing is committed then. */
export async function processShard(
  spec: ShardSpec,
  context: ShardContext,
  options: ShardRunOptions,
): Promise<ShardOutcome> {
  const { run, store } = context;
  if (spec.runId !== run.runId) {
    throw new PermanentShardError('other-run', 'shard belongs to another run', {
      expected: run.runId,
      found: spec.runId,
    });
  }
  if ((await readShardCommit(store, spec.index)) !== undefined) return 'taken';
  const planned = await context.plan.shard(spec.index);
  // Left in the queue from before; the generation's own shard counts.
  if (planned === 'replaced') return 'taken';
  refuseUnplanned(spec, planned);

  const { stopwatch = openStopwatch() } = options;
  const records = await stopwatch.time('listing', () =>
    readListing(store, spec, options.signal, run.config.labelColumns),
  );
  const inTurn = { ...context, models: context.models.inTurn() };
  const results = await processFaces(records, inTurn, options, stopwatch);
  const tables = await augmentAll(results, spec, inTurn, options, stopwatch);
  options.signal.throwIfAborted();
  const encoded = await encodeTables(tables, context, stopwatch);
  const result = {
    spec,
    attemptId: randomUUID(),
    counters: tables.counters,
    rejectsByCode: { ...tables.rejectsByCode },
    timingsMs: stopwatch.totals(),
    worker: { host: hostname(), pid: process.pid, device: context.device },
    finishedAt: new Date().toISOString(),
    format: run.config.format,
    tables: encoded,
  };
  const outcome = await stopwatch.time('commit', () => commitShard(store, result, options.signal));
  if (outcome !== 'won') return 'taken';
  options.onCommitted?.(result.counters, result.rejectsByCode);
  return 'committed';
}

/** A job comes from Redis, where others may write: its rows must be those that the plan gives the shard. */
function refuseUnplanned(spec: ShardSpec, planned: ShardSpec | undefined): void {
  const names = ['part', 'rowStart', 'rowEnd', 'subjects', 'firstClassIndex'] as const;
  const different = names.filter((name) => planned?.[name] !== spec[name]);
  if (different.length === 0) return;
  throw new PermanentShardError('not-planned', 'queue job is not the shard of the plan', {
    shard: spec.index,
    expected:
      planned === undefined ? 'no such shard' : different.map((name) => `${name} ${planned[name]}`).join(' '),
    found: different.map((name) => `${name} ${spec[name]}`).join(' '),
  });
}

/** Every record through reading and the face pipeline; a few batches in flight, results in listing order. */
async function processFaces(
  records: readonly FaceRecord[],
  { run, corpus, tableImages, models, batchFaces, readLimit }: InTurn,
  { signal, onProgress, onFaces, observer }: ShardRunOptions,
  stopwatch: Stopwatch,
): Promise<FaceResult[]> {
  const openReader = (places: readonly ImagePlace[]) => openShardReader(corpus, places, readLimit, signal);
  const images = openShardImages(run.config, openReader, tableImages, records);
  // One batch computing and one being read for every thread.
  const inFlight = pLimit(models.threads * 2);
  const batches = await Promise.all(
    batchRecords(records, batchFaces).map((batch) =>
      inFlight(async () => {
        signal.throwIfAborted();
        const readAt = performance.now();
        const reads = await stopwatch.time('read', () =>
          Promise.all(batch.map((record) => images.read(record))),
        );
        observer?.batchStage?.('read', (performance.now() - readAt) / 1_000);
        const inputs = batch.flatMap(({ faceId }, i) => {
          const read = reads[i]!;
          return read.status === 'ok' ? [{ faceId, bytes: read.bytes }] : [];
        });
        const askedAt = performance.now();
        const outcomes = await stopwatch.time('faces', () =>
          models.processFaces(inputs, (times) => {
            addThreadTimes(times, stopwatch, observer);
            observer?.batchStage?.('wait', Math.max(0, performance.now() - askedAt - times.busyMs) / 1_000);
          }),
        );
        let next = 0;
        const results = batch.map((record, i): FaceResult => {
          const read = reads[i]!;
          return { record, outcome: read.status === 'ok' ? outcomes[next++]! : read };
        });
        const rejects = results.filter(({ outcome }) => outcome.status === 'rejected').length;
        onProgress({ faces: batch.length, rejects, variants: 0 });
        onFaces?.(results);
        return results;
      }),
    ),
  );
  return batches.flat();
}

async function augmentAll(
  results: readonly FaceResult[],
  spec: ShardSpec,
  context: InTurn,
  { signal, onProgress, observer }: ShardRunOptions,
  stopwatch: Stopwatch,
): Promise<ShardTables> {
  const { run, models, augmentation } = context;
  const known = await readKnown(spec, context, signal, stopwatch);
  const combine: Combine = (identities, postures) =>
    models.combine(identities, postures, (times) => addThreadTimes(times, stopwatch, observer));
  const tables = shardTables({
    dim: run.embeddingDim,
    config: run.config,
    classIndexOf: known.classIndexOf,
    expectedRows: results.length + spec.subjects * run.config.variants,
    reachableBins: augmentation?.targets.bins.reachable ?? [],
  });
  const bySubject = groupBySubject(results);
  for (let start = 0; start < bySubject.length; start += SUBJECTS_AT_ONCE) {
    signal.throwIfAborted();
    const group = bySubject.slice(start, start + SUBJECTS_AT_ONCE);
    const usable = group.map((results) => usableFaces(results, known.earlierOf));
    const augmented: AugmentedSubject[] =
      augmentation === undefined
        ? usable.map(withoutVariants)
        : await stopwatch.time('augment', () =>
            augment(usable, augmentation.targets, augmentation.options, combine),
          );
    for (const [i, subject] of augmented.entries()) await tables.add(group[i]!, subject);
    const variants = augmented.reduce((sum, subject) => sum + subject.variants.length, 0);
    onProgress({ faces: 0, rejects: 0, variants });
  }
  return tables;
}

/** What a model thread measured, added to the shard's times. */
function addThreadTimes(times: ThreadTimes, stopwatch: Stopwatch, observer: WorkObserver | undefined): void {
  observer?.threadBusy?.(times.busyMs / 1_000);
  for (const stage of BATCH_STAGES) {
    const ms = times.stagesMs[stage];
    if (ms === undefined) continue;
    stopwatch.add(stage, ms);
    observer?.batchStage?.(stage, ms / 1_000);
  }
}

/** Results of one subject each; the listing is sorted by subject. */
function groupBySubject(results: readonly FaceResult[]): FaceResult[][] {
  const groups: FaceResult[][] = [];
  for (const result of results) {
    const group = groups.at(-1);
    if (group?.[0]?.record.subjectId === result.record.subjectId) group.push(result);
    else groups.push([result]);
  }
  return groups;
}

/** Who the people of a shard are to the run. */
interface KnownPeople {
  /** class_index of the shard's n-th person. */
  classIndexOf(n: number): number;
  earlierOf(subjectId: string): EarlierSubject | undefined;
}

async function readKnown(
  spec: ShardSpec,
  { run, plan, earlier }: Pick<ShardContext, 'run' | 'plan' | 'earlier'>,
  signal: AbortSignal,
  stopwatch: Stopwatch,
): Promise<KnownPeople> {
  const appended = await plan.appended(spec);
  if (appended === undefined) {
    return { classIndexOf: (n) => spec.firstClassIndex + n, earlierOf: () => undefined };
  }
  const { generation, subjects } = appended;
  const known = new Map(subjects.map((subject) => [subject.subjectId, subject]));
  const found = await stopwatch.time('earlier', () => earlier.read(subjects, signal));
  return {
    classIndexOf: (n) => subjects[n]!.classIndex,
    earlierOf(subjectId) {
      if (known.get(subjectId)?.earlier.length === 0) return undefined;
      const { sum, real, variants } = found.get(subjectId) ?? { sum: undefined, real: [], variants: [] };
      // No generation gives a number that another could give.
      return { sum, real, variants, firstVariant: generation * run.config.variants };
    },
  };
}

function usableFaces(results: readonly FaceResult[], earlierOf: KnownPeople['earlierOf']): SubjectFaces {
  const { subjectId } = results[0]!.record;
  const earlier = earlierOf(subjectId);
  return {
    subjectId,
    ...(earlier && { earlier }),
    faces: results.flatMap(({ record, outcome }) =>
      outcome.status === 'ok' ? [{ faceId: record.faceId, face: outcome.face }] : [],
    ),
  };
}

function withoutVariants(subject: SubjectFaces): AugmentedSubject {
  return { ...subject, centroid: subjectCentroid(subject), variants: [], variantsRejected: 0 };
}

async function encodeTables(
  tables: ShardTables,
  { run, tableWriter }: ShardContext,
  stopwatch: Stopwatch,
): Promise<{ data?: EncodedTable; rejects?: EncodedTable; subjects: EncodedTable }> {
  const encode = <Row>(kind: TableMetadata['kind'], rows: TableRows<Row>): Promise<EncodedTable> =>
    stopwatch.time('encode', () =>
      tableWriter.encode(rows.finish(), {
        format: run.config.format,
        metadata: tableMetadata(
          {
            kind,
            runId: run.runId,
            recognizer: run.recognizer.name,
            recognizerDigest: run.recognizer.digest,
          },
          kind === 'embeddings' ? run.config.labelColumns : [],
        ),
      }),
    );
  const [data, rejects, subjects] = await Promise.all([
    tables.data.length > 0 ? encode('embeddings', tables.data) : undefined,
    tables.rejects.length > 0 ? encode('rejects', tables.rejects) : undefined,
    encode('subjects', tables.subjects),
  ]);
  return {
    ...(data === undefined ? {} : { data }),
    ...(rejects === undefined ? {} : { rejects }),
    subjects,
  };
}
