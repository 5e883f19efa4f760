/** A small real run in a temporary folder: how fast this machine is, on photographs of the corpus at hand. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReleasers } from '../../shared/async/releasers.ts';
import type { RunConfig } from '../../shared/config.ts';
import type { FaceRecord } from '../../shared/face.ts';
import { createRunFile, type RunFile } from '../../shared/run/runFile.ts';
import { readShardCommit, type ShardCommit } from '../../shared/run/shardCommit.ts';
import type { ShardSpec } from '../../shared/shard.ts';
import type { ObjectStore } from '../../shared/store/objectStore.ts';
import { openStore } from '../../shared/store/openStore.ts';
import { type ComputeOptions, openShardContext } from '../openShardContext.ts';
import { processShard } from '../processShard.ts';
import type { RunAssets } from '../runAssets.ts';

/** What a machine does when both kinds of work have its cores to themselves. */
export interface ProbeResult {
  /** Photographs that were measured. */
  readonly photographs: number;
  readonly rejected: number;
  /** Seconds of this machine for one photograph, and for one generated embedding with its row. */
  readonly secondsPerPhotograph: number;
  readonly secondsPerVariant: number;
  /** Share of the variants of people with a usable photograph that pass the similarity gate. */
  readonly variantsKept: number;
  /** Share of people with a usable photograph. */
  readonly peopleUsable: number;
  /** Bytes of a row in a data file, and of a shard's other tables. */
  readonly bytesPerRow: number;
  readonly bytesPerShard: number;
}

export interface ProbeRunOptions {
  readonly assets: RunAssets;
  readonly compute: ComputeOptions;
  readonly signal: AbortSignal;
  /** Plans the sample into a store as shards of at most `shardFaces`; the caller knows how. */
  readonly plan: (
    store: ObjectStore,
    runId: string,
    shardFaces: number,
  ) => Promise<{
    readonly corpus: RunFile['corpus'];
    readonly listing: RunFile['listing'];
    readonly specs: readonly ShardSpec[];
  }>;
}

/**
 * The first shard warms up; the others are measured together, as a worker does them.
 * @param sample at least one photograph.
 */
export async function probeRun(
  config: RunConfig,
  sample: readonly FaceRecord[],
  options: ProbeRunOptions,
): Promise<ProbeResult> {
  const releasers = createReleasers();
  const folder = await mkdtemp(join(tmpdir(), 'posecast-probe-'));
  releasers.push('probe folder', () => rm(folder, { recursive: true, force: true }));
  try {
    const store = await openStore(folder);
    releasers.push('probe store', () => store.close());
    const runId = 'dry-run';
    const { corpus, listing, specs } = await options.plan(store, runId, Math.ceil(sample.length / 3));
    const { assets, compute, signal } = options;
    const run: RunFile = {
      schemaVersion: 1,
      runId,
      createdAt: new Date().toISOString(),
      posecastVersion: 'probe',
      config,
      corpus,
      listing,
      shards: specs.length,
      ...assets.runModels,
    };
    await createRunFile(store, run);
    const context = await openShardContext(run, store, assets, compute, releasers);
    const work = (spec: ShardSpec) => processShard(spec, context, { signal, onProgress: () => {} });
    const [first, ...others] = specs;
    if (first !== undefined) await work(first);
    // A corpus of one person is one shard: then its cold measurement is all there is.
    const startedAt = performance.now();
    if (others.length > 0) await Promise.all(others.map(work));
    const seconds = (performance.now() - startedAt) / 1000;
    const measured = others.length > 0 ? others : specs;
    const commits = await Promise.all(measured.map(({ index }) => readShardCommit(store, index)));
    return summarise(
      commits.flatMap((commit) => commit ?? []),
      others.length > 0 ? seconds : undefined,
      config,
    );
  } finally {
    await releasers.release();
  }
}

function summarise(
  commits: readonly ShardCommit[],
  wall: number | undefined,
  config: RunConfig,
): ProbeResult {
  const total = (value: (commit: ShardCommit) => number) =>
    commits.reduce((sum, commit) => sum + value(commit), 0);
  const stage = (...names: string[]) =>
    total(({ timingsMs }) => names.reduce((ms, name) => ms + (timingsMs[name] ?? 0), 0));
  const faces = total(({ counters }) => counters.faces);
  const rows = total(({ data }) => data?.rows ?? 0);
  const variants = total(({ counters }) => counters.variants);
  const tried = variants + total(({ counters }) => counters.variantsRejected);
  const people = total(({ spec }) => spec.subjects);
  const [onFaces, onVariants] = [stage('listing', 'read', 'faces'), stage('augment', 'encode')];
  const seconds = wall ?? (onFaces + onVariants) / 1000;
  const share = onFaces + onVariants === 0 ? 1 : onFaces / (onFaces + onVariants);
  const peopleUsable = config.variants === 0 ? 1 : tried / (config.variants * people);
  return {
    photographs: faces,
    rejected: total(({ counters }) => counters.rejected),
    secondsPerPhotograph: (seconds * share) / faces,
    secondsPerVariant: variants === 0 ? 0 : (seconds * (1 - share)) / variants,
    variantsKept: tried === 0 ? 0 : variants / tried,
    peopleUsable,
    bytesPerRow: rows === 0 ? 0 : total(({ data }) => data?.bytes ?? 0) / rows,
    bytesPerShard: total(({ subjects, rejects }) => subjects.bytes + (rejects?.bytes ?? 0)) / commits.length,
  };
}
