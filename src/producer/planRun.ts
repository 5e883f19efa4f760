/** Decides whether OUT gets a new run or goes on with the one it holds. The plan is complete when run.json exists. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { RunConfig } from '../shared/config.ts';
import { ConfigError } from '../shared/errors.ts';
import type { FaceRecord } from '../shared/face.ts';
import { version } from '../shared/package.ts';
import { readRunShards } from '../shared/run/generations.ts';
import { createRunFile, type RunFile, type RunModels, readRunFile } from '../shared/run/runFile.ts';
import { LISTING_PREFIX } from '../shared/run/runKeys.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import type { S3Options } from '../shared/store/storeOptions.ts';
import { differencesOf } from '../shared/text/differences.ts';
import { type AppendOutcome, appendToRun } from './append/appendToRun.ts';
import { hasOnlyLost } from './append/hasOnlyLost.ts';
import { readerNotes } from './readers/corpusReader.ts';
import type { OnListed } from './readers/onListed.ts';
import { openCorpus } from './readers/openCorpus.ts';
import { refuseOutInCorpus } from './refuseOutInCorpus.ts';
import { removeListings, removeOwnListing } from './removeListings.ts';
import { digestCorpus, listingLimits, type WrittenListing, writeListing } from './writeListing.ts';

export interface PlanRunOptions {
  /** The caller has looked them up. */
  readonly models: RunModels;
  readonly signal?: AbortSignal;
  /** How a corpus in an object store is reached. */
  readonly corpusS3?: S3Options | undefined;
  /** Receives lines for a person: what was ignored, which subject is oversize. */
  readonly note?: (line: string) => void;
  /** Hears how much of the corpus is listed, also where it is only compared with what was listed before. */
  readonly onListed?: OnListed;
  /** Takes up photographs that the corpus has got since, as a generation of their own. */
  readonly append?: boolean;
  /** Only for tests of part boundaries. */
  readonly partRows?: number;
}

export interface PlannedRun {
  readonly run: RunFile;
  readonly resumed: boolean;
  /** Only with `append`, of a run that was there. */
  readonly append?: AppendOutcome;
}

/**
 * Plans a run into the store, or takes up the one that is there.
 * @throws ConfigError, with nothing written, when the corpus is missing or empty, when OUT holds something else
 * than a run, or when it holds a run that was asked for differently.
 */
export async function planRun(
  config: RunConfig,
  store: ObjectStore,
  options: PlanRunOptions,
): Promise<PlannedRun> {
  const existing = await runToResume(config, store, options);
  if (existing === undefined) return newRun(config, store, options);
  if (options.append !== true) return { run: existing, resumed: true };
  return { run: existing, resumed: true, append: await appendToRun(existing, config, store, options) };
}

/**
 * The run that the store holds, if it is the one asked for; undefined: the store is free for a new one. Writes nothing.
 * @throws ConfigError as `planRun`.
 */
export async function runToResume(
  config: RunConfig,
  store: ObjectStore,
  options: Omit<PlanRunOptions, 'note' | 'partRows'>,
): Promise<RunFile | undefined> {
  const foreign = await foreignFile(store, options.signal);
  // Looked for after the files: a planner at work beside this one writes run.json last.
  const existing = await readRunFile(store);
  if (existing !== undefined) {
    await checkSameRun(existing, config, store, options);
    return existing;
  }
  await refuseOutInCorpus(config.corpus, store, options.corpusS3);
  if (foreign === undefined) return undefined;
  throw new ConfigError('foreign-out', 'OUT: expected an empty place or a run, found other files', {
    out: store.uri,
    file: foreign,
  });
}

async function newRun(config: RunConfig, store: ObjectStore, options: PlanRunOptions): Promise<PlannedRun> {
  const { models } = options;
  const runId = newRunId();
  let run: RunFile;
  let created: boolean;
  try {
    const written = await listCorpus(config, store, runId, options);
    run = {
      schemaVersion: 1,
      runId,
      createdAt: new Date().toISOString(),
      posecastVersion: version,
      config,
      corpus: written.corpus,
      listing: written.listing,
      shards: written.shards,
      ...models,
    };
    created = await createRunFile(store, run);
  } catch (error) {
    await removeOwnListing(store, runId, async () => (await readRunFile(store))?.runId === runId);
    throw error;
  }
  await removeListings(store, (key) => key.includes(runId) !== created);
  // Not created: somebody else planned this store in the meantime; theirs stands.
  return created ? { run, resumed: false } : planRun(config, store, options);
}

/**
 * Lists the corpus and plans its shards into a store, without run.json.
 * @throws ConfigError when the corpus is missing or empty.
 */
export async function listCorpus(
  config: RunConfig,
  store: Pick<ObjectStore, 'put'>,
  runId: string,
  options: Omit<PlanRunOptions, 'models'> & { readonly onFace?: (face: FaceRecord) => void },
): Promise<WrittenListing> {
  const { signal, note = () => {}, onFace } = options;
  const corpus = await openCorpus(config, { s3: options.corpusS3 });
  const faces = async function* () {
    for await (const face of corpus.faces(signal, options.onListed)) {
      onFace?.(face);
      yield face;
    }
  };
  const written = await writeListing(faces(), store, {
    runId,
    ...listingLimits(config),
    labelColumns: config.labelColumns,
    ...(signal && { signal }),
    ...(options.onListed && { onListed: options.onListed }),
    ...(options.partRows && { partRows: options.partRows }),
  });
  for (const line of readerNotes(corpus)) note(line);
  if (written === undefined) throw emptyCorpus(config);
  if (written.oversizeShards > 0) {
    const { subjectId, faces } = written.largestSubject;
    note(
      `${written.oversizeShards} oversize shards: subjects larger than the limits are kept whole ` +
        `[largest=${subjectId}, faces=${faces}, shardFaces=${config.shardFaces}]`,
    );
  }
  return written;
}

/** Refuses a run that was asked for differently, naming every difference. */
async function checkSameRun(
  existing: RunFile,
  config: RunConfig,
  store: ObjectStore,
  options: Omit<PlanRunOptions, 'note' | 'partRows'>,
): Promise<void> {
  const run = withFraFolder(existing, config.fra);
  const differences = [
    ...differencesOf(run.config, config),
    ...differencesOf(run.models, options.models.models).map((difference) => `model ${difference}`),
    ...differencesOf(
      { recognizer: run.recognizer, embeddingDim: run.embeddingDim, fra: run.fra },
      {
        recognizer: options.models.recognizer,
        embeddingDim: options.models.embeddingDim,
        fra: options.models.fra,
      },
    ),
    ...gateDifferences(run, config, options.models),
  ];
  // An append says itself what it finds.
  if (differences.length === 0 && options.append !== true) {
    const { signal, onListed } = options;
    const shards = await readRunShards(store, run, signal);
    const { corpus } = shards;
    const listNow = async () => (await openCorpus(config, { s3: options.corpusS3 })).faces(signal, onListed);
    const found = await digestCorpus(await listNow(), onListed);
    if (found.faces === 0) throw emptyCorpus(config);
    if (found.sha256 !== corpus.sha256) {
      const onlyLost =
        found.faces < corpus.faces && (await hasOnlyLost(await listNow(), shards, store, config, signal));
      differences.push(corpusDifference(corpus, found, onlyLost));
    }
  }
  if (differences.length === 0) return;
  throw new ConfigError('another-run', `OUT holds another run: ${differences.join('; ')}`, {
    out: store.uri,
  });
}

/**
 * The gate of a card that has changed. One that is asked for differently is a difference of the options already, and a
 * run of before does not say.
 */
function gateDifferences(run: RunFile, config: RunConfig, models: RunModels): string[] {
  const [there, asked] = [run.minSimilarity, models.minSimilarity];
  if (there === undefined || run.config.minSimilarity !== config.minSimilarity) return [];
  return differencesOf({ minSimilarity: there }, { minSimilarity: asked }).map(
    (difference) => `FRA model's ${difference}`,
  );
}

/** A run of before names the folder of a FRA model as it was typed then: from here it may be the one asked for. */
function withFraFolder(run: RunFile, asked: string): RunFile {
  if (resolve(run.config.fra) !== asked) return run;
  return { ...run, config: { ...run.config, fra: asked }, fra: run.fra && { ...run.fra, name: asked } };
}

function corpusDifference(there: RunFile['corpus'], found: RunFile['corpus'], onlyLost: boolean): string {
  const counts = differencesOf(
    { faces: there.faces, subjects: there.subjects, bytes: there.bytes },
    { faces: found.faces, subjects: found.subjects, bytes: found.bytes },
  );
  const what = counts.length > 0 ? counts.join(', ') : 'same counts, other names, places, sizes or labels';
  const goOn = onlyLost
    ? `${there.faces - found.faces} photographs of the plan are gone: restore them, or start a new run at another OUT`
    : '--append processes what is new';
  return `the corpus has changed since: ${what}; ${goOn}`;
}

/**
 * A file in a store that is no run's listing: somebody's data, unless there is a run. Listings of a broken-off
 * planning are ours.
 */
async function foreignFile(store: ObjectStore, signal: AbortSignal | undefined): Promise<string | undefined> {
  for await (const { key } of store.list('', signal)) {
    if (!(key.startsWith(LISTING_PREFIX) && key.endsWith('.parquet'))) return key;
  }
  return undefined;
}

function emptyCorpus(config: RunConfig): ConfigError {
  return new ConfigError('empty-corpus', 'corpus: expected at least one image, found none', {
    path: config.corpus,
  });
}

/** Sorts by time, unique enough for one Redis: 20261123T220000-1a2b3c. */
function newRunId(): string {
  const time = new Date().toISOString().replace(/[-:]|\.\d+Z/g, '');
  return `${time}-${randomBytes(3).toString('hex')}`;
}
