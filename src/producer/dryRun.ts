/** What a run would do, found out without writing anything: the corpus is listed and planned as for the run itself. */
import type { RunConfig } from '../shared/config.ts';
import type { FaceRecord } from '../shared/face.ts';
import { randomInt, seededRandom } from '../shared/random.ts';
import { isFinished, readCommittedSet } from '../shared/run/committedShards.ts';
import { type RunShards, readRunShards } from '../shared/run/generations.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import { SUBJECTS_KEY } from '../shared/run/runKeys.ts';
import { currentSpecs } from '../shared/run/runPlan.ts';
import { bodyBytes } from '../shared/store/objectBody.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { readTable } from '../shared/table/readTable.ts';
import { readSubjectRows } from '../shared/table/tables.ts';
import { listAppend } from './append/listAppend.ts';
import { listCorpus, type PlanRunOptions, runToResume } from './planRun.ts';

/** People looked at closely, and photographs of each. */
const SAMPLED_PEOPLE = 16;
const SAMPLED_PHOTOGRAPHS = 4;

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
  const sample = createSample(config.seed);
  let listingBytes = 0;
  // The listing of a large corpus is large: it is counted as it goes by.
  const nowhere: Pick<ObjectStore, 'put'> = {
    async put(_, body) {
      listingBytes += bodyBytes(body);
    },
  };
  if (existing !== undefined && options.append === true) {
    const shards = await readRunShards(store, existing, options.signal);
    const known: number[] = [];
    const listed = await listAppend(existing, shards, config, store, nowhere, {
      planId: 'dry-run',
      createdAt: new Date().toISOString(),
      onFace: sample.add,
      onKnown: (classIndex) => known.push(classIndex),
      corpusS3: options.corpusS3,
      ...(options.signal && { signal: options.signal }),
      ...(options.note && { note: options.note }),
      ...(options.onListed && { onListed: options.onListed }),
    });
    const { faces = 0, subjects = 0, bytes = 0 } = listed.generation?.added ?? {};
    const left = await leftOf(existing, store, shards, options.signal);
    const lacking = await lackingVariants(config, store, known);
    const fresh = left.people + subjects;
    const variants = {
      asked: config.variants * fresh + (lacking ?? config.variants * known.length),
      atMost: lacking === undefined || mayHaveVariants(shards, left),
    };
    left.people += listed.generation?.subjects.rows ?? 0;
    left.faces += faces;
    left.shards += listed.generation?.shards ?? 0;
    return {
      resumes: existing.runId,
      people: shards.subjects + subjects,
      faces: shards.faces + faces,
      bytes: existing.corpus.bytes + addedBytes(shards) + bytes,
      shards: shards.places + (listed.generation?.shards ?? 0),
      oversizeShards: listed.written?.oversizeShards ?? 0,
      appends: { people: subjects, faces, gone: listed.gone },
      left,
      variants,
      listingBytes,
      sample: sample.finish(),
    };
  }
  const written = await listCorpus(config, nowhere, 'dry-run', { ...options, onFace: sample.add });
  const { subjects: people, faces, bytes } = written.corpus;
  const { shards, oversizeShards } = written;
  let left = { people, faces, shards };
  let planned = shards;
  let atMost = false;
  if (existing !== undefined) {
    const shardsThere = await readRunShards(store, existing, options.signal);
    left = await leftOf(existing, store, shardsThere, options.signal);
    planned = shardsThere.places;
    atMost = mayHaveVariants(shardsThere, left);
  }
  return {
    resumes: existing?.runId ?? null,
    people,
    faces,
    bytes,
    shards: planned,
    oversizeShards,
    appends: null,
    left,
    variants: { asked: config.variants * left.people, atMost },
    listingBytes,
    sample: sample.finish(),
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
): Promise<{ people: number; faces: number; shards: number }> {
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

/** Every person of a stream sorted by person has the same chance to be in it. Deterministic. */
function createSample(seed: number): { add: (face: FaceRecord) => void; finish(): FaceRecord[] } {
  const random = seededRandom(seed, 'dry run');
  const places: { place: number; faces: FaceRecord[] }[] = [];
  let people = 0;
  let subjectId: string | undefined;
  let chosen: FaceRecord[] | undefined;
  return {
    add(face) {
      if (face.subjectId !== subjectId) {
        subjectId = face.subjectId;
        const at = people < SAMPLED_PEOPLE ? people : randomInt(random, people + 1);
        chosen = at < SAMPLED_PEOPLE ? [] : undefined;
        if (chosen !== undefined) places[at] = { place: people, faces: chosen };
        people++;
      }
      if (chosen !== undefined && chosen.length < SAMPLED_PHOTOGRAPHS) chosen.push(face);
    },
    finish: () => places.sort((a, b) => a.place - b.place).flatMap(({ faces }) => faces),
  };
}
