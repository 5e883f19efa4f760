/** A planned run of invented people, for workers whose models are a timer. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { writeListing } from '../../../src/producer/writeListing.ts';
import { parseRunConfig, type RunConfigInput } from '../../../src/shared/config.ts';
import { folderSource } from '../../../src/shared/corpus/folderSource.ts';
import type { FaceRecord } from '../../../src/shared/face.ts';
import { readPlan } from '../../../src/shared/listing/shardPlan.ts';
import { createRunFile, type RunFile } from '../../../src/shared/run/runFile.ts';
import { openRunPlan } from '../../../src/shared/run/runPlan.ts';
import type { ShardSpec } from '../../../src/shared/shard.ts';
import type { ObjectStore } from '../../../src/shared/store/objectStore.ts';
import { openEarlierReader } from '../../../src/worker/earlier/earlierReader.ts';
import type { ShardContext } from '../../../src/worker/shardContext.ts';
import type { TableWriter } from '../../../src/worker/tables/tableWriter.ts';
import type { ModelPool } from '../../../src/worker/threads/modelPool.ts';

export interface TimerRunOptions {
  readonly runId: string;
  readonly shards: number;
  /** People of a shard, and photographs of each. */
  readonly people: number;
  readonly facesPerPerson: number;
  /** Values of an embedding. */
  readonly dim: number;
  readonly format?: RunConfigInput['format'];
}

/** Writes listing, plan and run.json; `corpus`: a folder that gets the one file that is every photograph. */
export async function planTimerRun(
  store: ObjectStore,
  corpus: string,
  options: TimerRunOptions,
): Promise<RunFile> {
  const { runId, shards, people, facesPerPerson, dim, format = 'parquet' } = options;
  await writeFile(join(corpus, 'face.jpg'), new Uint8Array(64));
  const shardFaces = people * facesPerPerson;
  const config = parseRunConfig({
    corpus,
    corpusFormat: 'folder',
    imageRoot: corpus,
    shardFaces,
    format,
    variants: 0,
  });
  const faces = inventedFaces(shards * shardFaces, facesPerPerson, () => 'face.jpg');
  const written = await writeListing(faces, store, {
    runId,
    shardFaces,
    shardBytes: config.shardBytes,
    shardSubjects: people,
  });
  if (written?.shards !== shards) throw new Error(`expected ${shards} shards, found ${written?.shards}`);
  const run: RunFile = {
    schemaVersion: 1,
    runId,
    createdAt: new Date().toISOString(),
    posecastVersion: 'bench',
    config,
    corpus: written.corpus,
    listing: written.listing,
    shards,
    models: {},
    recognizer: { name: 'timer', digest: 'none' },
    embeddingDim: dim,
    fra: null,
  };
  await createRunFile(store, run);
  return run;
}

/** In listing order, `perPerson` of each person. */
export async function* inventedFaces(
  count: number,
  perPerson: number,
  uriOf: (subjectId: string, face: number) => string = photograph,
): AsyncGenerator<FaceRecord> {
  for (let i = 0; i < count; i += perPerson) {
    const subjectId = `id_${String(i / perPerson).padStart(8, '0')}`;
    for (let j = 0; j < Math.min(perPerson, count - i); j++) {
      yield {
        faceId: photograph(subjectId, j),
        subjectId,
        uri: uriOf(subjectId, j),
        // Some tens of kilobytes, as crops and small photographs have.
        bytes: 20_000 + ((i + j) % 30_000),
      };
    }
  }
}

function photograph(subjectId: string, face: number): string {
  return `${subjectId}/photograph_${String(face).padStart(4, '0')}.jpg`;
}

export function timerContext(
  run: RunFile,
  store: ObjectStore,
  models: ModelPool,
  tableWriter: TableWriter,
): ShardContext {
  const plan = openRunPlan(store, run);
  return {
    run,
    store,
    earlier: openEarlierReader(store, run.runId, plan),
    corpus: folderSource(run.config.imageRoot),
    plan,
    models,
    tableWriter,
    device: 'timer',
    batchFaces: 64,
    readLimit: pLimit(16),
  };
}

export async function planned(store: ObjectStore, run: RunFile): Promise<ShardSpec[]> {
  const specs: ShardSpec[] = [];
  for await (const { spec } of readPlan(store, run.runId)) specs.push(spec);
  return specs;
}
