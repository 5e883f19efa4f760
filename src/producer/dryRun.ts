/** What a run would do, found out without writing anything: the corpus is listed and planned as for the run itself. */
import type { RunConfig } from '../shared/config.ts';
import type { FaceRecord } from '../shared/face.ts';
import { isFinished, readCommittedSet } from '../shared/run/committedShards.ts';
import { readRunShards } from '../shared/run/generations.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import { SUBJECTS_KEY } from '../shared/run/runKeys.ts';
import { currentSpecs } from '../shared/run/runPlan.ts';
import type { RunShards } from '../shared/run/runShards.ts';
import { bodyBytes } from '../shared/store/objectBody.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { readTable } from '../shared/table/readTable.ts';
import { readSubjectRows } from '../shared/table/tables.ts';
import { listAppend } from './append/listAppend.ts';
import { createPeopleSample } from './peopleSample.ts';
import { listCorpus, type PlanRunOptions, runToResume } from './planRun.ts';

export interface DryPlan {
  /** The run that OUT holds already, and that would be resumed. */
  readonly resumes: string | null;
  readonly people: number;
  readonly faces: number;
  /** Of the photographs; 0 for a list that does not say. */
  readonly bytes: number;
  readonly shards: number;
  /** Shards of one person who is larger than the limits. */
  readonly oversizeShards: number;
  /** What would be added to the run by `--append`; null: it was not asked for, or there is no run yet. */
  readonly appends: { readonly people: number; readonly faces: number; readonly gone: number } | null;
  /** What is not committed yet, and what would be added: all of it, unless there is a run. */
  readonly left: { readonly people: number; readonly faces: number; readonly shards: number };
  /** That will be asked for; `atMost`: how many some of the people have already is not known. */
  readonly variants: { readonly asked: number; readonly atMost: boolean };
  /** Of the listing and the plan. */
  readonly listingBytes: number;
  /** Some people with some of their photographs, taken evenly from the whole corpus, in listing order. */
  readonly sample: readonly FaceRecord[];
}

/** @throws ConfigError as `planRun`: what the run would refuse, the dry run refuses. */
export async function planDryRun(
  config: RunConfig,
  store: ObjectStore,
  options: PlanRunOptions,
): Promise<DryPlan> {
  const existing = await runToResume(config, store, options);
  const sample = createPeopleSample(config.seed);
  let listingBytes = 0;
  // The listing of a large corpus is large: it is counted as it goes by.
  const nowhere: Pick<ObjectStore, 'put'> = {
    async put(_, body) {
      listingBytes += bodyBytes(body);
    },
  };
  const dry: DryListing = { config, store, options, nowhere, onFace: sample.add };
  const counts =
    existing !== undefined && options.append === true
      ? await dryAppend(existing, dry)
      : await dryPlan(existing, dry);
  return { ...counts, listingBytes, sample: sample.finish() };
}

/** What a corpus is listed with when nothing is written. */
interface DryListing {
  readonly config: RunConfig;
  /** Is read only. */
  readonly store: ObjectStore;
  readonly options: PlanRunOptions;
  /** Takes the listing. */
  readonly nowhere: Pick<ObjectStore, 'put'>;
  /** Sees every photograph of the corpus. */
  readonly onFace: (face: FaceRecord) => void;
}

type DryCounts = Omit<DryPlan, 'listingBytes' | 'sample'>;

/** A new run, or one that is resumed as it is. */
async function dryPlan(
  existing: RunFile | undefined,
  { config, store, options, nowhere, onFace }: DryListing,
): Promise<DryCounts> {
  const written = await listCorpus(config, nowhere, 'dry-run', { ...options, onFace });
  const { subjects: people, faces, bytes } = written.corpus;
  const { shards, oversizeShards } = written;
  const corpus = { people, faces, bytes, oversizeShards, appends: null };
  if (existing === undefined) {
    const left = { people, faces, shards };
    const variants = { asked: config.variants * people, atMost: false };
    return { ...corpus, resumes: null, shards, left, variants };
  }
  const there = await readRunShards(store, existing, options.signal);
  const left = await leftOf(existing, store, there, options.signal);
  const variants = { asked: config.variants * left.people, atMost: mayHaveVariants(there, left) };
  return { ...corpus, resumes: existing.runId, shards: there.places, left, variants };
}

/** A run that takes up what the corpus has got since. */
async function dryAppend(
  existing: RunFile,
  { config, store, options, nowhere, onFace }: DryListing,
): Promise<DryCounts> {
  const there = await readRunShards(store, existing, options.signal);
  const known: number[] = [];
  const { generation, written, gone } = await listAppend(existing, there, config, store, nowhere, {
    planId: 'dry-run',
    createdAt: new Date().toISOString(),
    onFace,
    onKnown: (classIndex) => known.push(classIndex),
    corpusS3: options.corpusS3,
    ...(options.signal && { signal: options.signal }),
    ...(options.note && { note: options.note }),
    ...(options.onListed && { onListed: options.onListed }),
  });
  const added = {
    ...(generation?.added ?? { faces: 0, subjects: 0, bytes: 0 }),
    shards: generation?.shards ?? 0,
    /** Those who were in the run before among them. */
    people: generation?.subjects.rows ?? 0,
  };
  const uncommitted = await leftOf(existing, store, there, options.signal);
  const lacking = await lackingVariants(config, store, known);
  return {
    resumes: existing.runId,
    people: there.subjects + added.subjects,
    faces: there.faces + added.faces,
    bytes: existing.corpus.bytes + addedBytes(there) + added.bytes,
    shards: there.places + added.shards,
    oversizeShards: written?.oversizeShards ?? 0,
    appends: { people: added.subjects, faces: added.faces, gone },
    left: {
      people: uncommitted.people + added.people,
      faces: uncommitted.faces + added.faces,
      shards: uncommitted.shards + added.shards,
    },
    variants: {
      asked:
        config.variants * (uncommitted.people + added.subjects) + (lacking ?? config.variants * known.length),
      atMost: lacking === undefined || mayHaveVariants(there, uncommitted),
    },
  };
}

/**
 * Variants that people have too few of, by the table of people; undefined when there is none of the run as it is now.
 * @param people their class_index.
 */
async function lackingVariants(
  { variants }: RunConfig,
  store: ObjectStore,
  people: readonly number[],
): Promise<number | undefined> {
  if (variants === 0 || people.length === 0) return 0;
  const bytes = (await isFinished(store)) ? await store.get(SUBJECTS_KEY) : undefined;
  if (bytes === undefined) return undefined;
  const asked = new Set(people);
  let lacking = 0;
  for (const batch of readTable(bytes, { key: SUBJECTS_KEY }).batches) {
    for (const row of readSubjectRows(batch)) {
      if (asked.has(row.classIndex)) lacking += Math.max(0, variants - row.variants);
    }
  }
  return lacking;
}

/** Whether people of the shards that are left may have variants from others: only where an append came before. */
function mayHaveVariants({ listings }: RunShards, left: { readonly shards: number }): boolean {
  return listings.length > 1 && left.shards > 0;
}

function addedBytes({ generations }: RunShards): number {
  return generations.reduce((sum, entry) => sum + (entry.kind === 'append' ? entry.added.bytes : 0), 0);
}

/** What of a run is not committed. */
async function leftOf(
  run: RunFile,
  store: ObjectStore,
  shards: RunShards,
  signal: AbortSignal | undefined,
): Promise<DryPlan['left']> {
  const left = { people: 0, faces: 0, shards: 0 };
  const committed = await readCommittedSet(store, shards, signal);
  for await (const { spec, faces } of currentSpecs(run, store, shards, signal)) {
    if (committed.has(spec.index)) continue;
    left.people += spec.subjects;
    left.faces += faces;
    left.shards++;
  }
  return left;
}
