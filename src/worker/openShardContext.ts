/** Opens everything a run's shards share: models in threads, the FRA model's postures, the table writer. */
import pLimit from 'p-limit';
import type { Releasers } from '../shared/async/releasers.ts';
import { openCorpusSource } from '../shared/corpus/openCorpusSource.ts';
import { isTableFormat } from '../shared/corpus/tableFormat.ts';
import { ConfigError } from '../shared/errors.ts';
import { CROP_SIZE } from '../shared/face.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import { openRunPlan } from '../shared/run/runPlan.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import type { RequestListeners } from '../shared/store/observedStore.ts';
import type { S3Options } from '../shared/store/storeOptions.ts';
import { openEarlierReader } from './earlier/earlierReader.ts';
import { formatProbe, probeBatch } from './measure/probeBatch.ts';
import { readProbePhotograph } from './measure/probePhotograph.ts';
import { openDummyModels, type StandIns, withoutEmbeddings } from './measure/standIns.ts';
import type { Device } from './models/device.ts';
import type { FraEngine } from './models/fraNetworks.ts';
import { openTableImages } from './reading/tableImages.ts';
import type { RunAssets } from './runAssets.ts';
import type { ShardContext } from './shardContext.ts';
import { binTargets } from './stages/chooseVariants.ts';
import { openTableWriter } from './tables/tableWriter.ts';
import { type ModelPool, openModelPool } from './threads/modelPool.ts';

/** How this process computes. Not part of the run's identity: workers may differ. */
export interface ComputeOptions {
  readonly device: Device;
  /** Model threads, each with single-threaded sessions; on a GPU they share the sessions of its thread. */
  readonly threads: number;
  /** Faces a model thread gets at a time; 'probe': as many as are fastest, tried out at the start. */
  readonly batchFaces: number | 'probe';
  /** What the FRA networks run on; default onnx. */
  readonly engine?: FraEngine;
  /** How a corpus in an object store is reached; default: what the AWS variables and profiles say. */
  readonly corpusS3?: S3Options;
  /** Parts that are left out, to measure the rest. */
  readonly standIns?: StandIns;
  /** Hear of every read of the corpus. */
  readonly corpusListeners?: RequestListeners;
  /** Calls off what takes long until the models are open. */
  readonly signal?: AbortSignal;
  /** Hears of the device and, with 'probe', of the rates. */
  readonly note?: (line: string) => void;
}

/** Faces that a GPU may get at once, whatever is asked for. */
const LARGEST_BATCH = 256;

/**
 * Rejects with the reason of `compute.signal` when that calls it off.
 *
 * @throws ConfigError when this machine's models are not the ones the run was planned with, or the device is not
 * there.
 */
export async function openShardContext(
  run: RunFile,
  store: ObjectStore,
  assets: RunAssets,
  compute: ComputeOptions,
  releasers: Releasers,
): Promise<ShardContext> {
  refuseOtherModels(run, assets);
  const { imageRoot, followLinks, corpusFormat, tableColumns } = run.config;
  const source = { followLinks, s3: compute.corpusS3 };
  const listeners = compute.corpusListeners;
  const corpus = await openCorpusSource(imageRoot, { ...source, listeners });
  releasers.push('corpus', () => corpus.close());
  const tableImages = isTableFormat(corpusFormat)
    ? await openTableImages(
        { root: imageRoot, source, format: corpusFormat, columns: tableColumns },
        listeners,
      )
    : undefined;
  if (tableImages !== undefined) releasers.push('table images', () => tableImages.close());
  const { fra } = assets;
  const models = compute.standIns?.models
    ? openDummyModels({
        threads: compute.threads,
        dim: run.embeddingDim,
        withPostures: run.config.withPostureCode,
      })
    : await openPool(run, assets, compute);
  releasers.push('models', () => models.close());
  const batchFaces =
    compute.batchFaces === 'probe'
      ? await fastestBatch(models, compute, run.config.aligned)
      : compute.batchFaces;
  const openedWriter = await openTableWriter();
  releasers.push('table writer', () => openedWriter.close());
  const tableWriter = compute.standIns?.tables ? withoutEmbeddings(openedWriter) : openedWriter;
  const plan = openRunPlan(store, run);
  const earlier = openEarlierReader(store, run.runId, plan);
  releasers.push('earlier rows', () => earlier.close());
  return {
    run,
    store,
    corpus,
    ...(tableImages && { tableImages }),
    plan,
    earlier,
    models,
    tableWriter,
    device: compute.device,
    batchFaces,
    readLimit: pLimit(corpus.concurrency),
    // A model may be there for posture codes alone.
    ...(fra &&
      run.config.variants > 0 && {
        augmentation: {
          targets: { ...fra.bank, bins: binTargets(fra.bank) },
          options: {
            variants: run.config.variants,
            policy: run.config.policy,
            seed: run.config.seed,
            minSimilarity: run.minSimilarity ?? run.config.minSimilarity ?? fra.card.minSimilarity,
          },
        },
      }),
  };
}

async function openPool(
  run: RunFile,
  { models, fra }: RunAssets,
  compute: ComputeOptions,
): Promise<ModelPool> {
  const startedAt = performance.now();
  const pool = await openModelPool(
    compute.threads,
    {
      pipeline: {
        models,
        aligned: run.config.aligned,
        device: compute.device,
        intraOpThreads: 1,
        // A GPU is fed whole batches.
        ...(compute.device !== 'cpu' && { facesAtOnce: LARGEST_BATCH }),
      },
      ...(fra && {
        fra: {
          folder: fra.folder,
          // A code takes a fifth of the recogniser's time: a run whose table does not hold them computes none.
          ...(run.config.withPostureCode && { encoderPath: fra.paths.encoder }),
          combinerPath: fra.paths.combiner,
          engine: compute.engine ?? 'onnx',
          // All threads read the same.
          postureCodes: inSharedMemory(fra.bank.codes),
        },
      }),
    },
    compute.signal,
  );
  const seconds = (performance.now() - startedAt) / 1000;
  // On an NVIDIA GPU most of a minute may go by.
  if (compute.device !== 'cpu')
    compute.note?.(`${compute.device}: networks open after ${seconds.toFixed(1)} s`);
  return pool;
}

function inSharedMemory(values: Float32Array): Float32Array {
  const shared = new Float32Array(new SharedArrayBuffer(values.byteLength));
  shared.set(values);
  return shared;
}

async function fastestBatch(
  models: ModelPool,
  { device, note }: ComputeOptions,
  aligned: boolean,
): Promise<number> {
  const photograph = await readProbePhotograph();
  const probe = await probeBatch(models, aligned ? await cropSized(photograph) : photograph);
  note?.(`${device}: ${formatProbe(probe)}`);
  return probe.batch;
}

/** For its size: what the face looks like makes no difference to how long it takes. */
async function cropSized(photograph: Uint8Array): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  return sharp(photograph).resize(CROP_SIZE, CROP_SIZE).jpeg().toBuffer();
}

/** Embeddings of different weights, and variants of different gates, must not meet in one table. */
function refuseOtherModels(run: RunFile, { runModels }: RunAssets): void {
  const there: Record<string, string> = { ...run.models, ...(run.fra && { fra: run.fra.digest }) };
  const here: Record<string, string> = {
    ...runModels.models,
    ...(runModels.fra && { fra: runModels.fra.digest }),
  };
  for (const [name, expected] of Object.entries(there)) {
    if (here[name] === expected) continue;
    throw new ConfigError('other-models', `model ${name} differs from the one the run was planned with`, {
      expected,
      found: here[name] ?? 'none',
    });
  }
  if (run.minSimilarity === undefined || run.minSimilarity === runModels.minSimilarity) return;
  throw new ConfigError(
    'other-models',
    "the FRA model's minSimilarity differs from the one the run was planned with",
    { expected: run.minSimilarity, found: runModels.minSimilarity ?? 'none' },
  );
}
