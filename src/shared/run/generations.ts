/**
 * Generations: what was added to a run after it was planned. Commits never change, so shards that are to be done again
 * become shards of a new generation, with numbers of their own that follow the last ones; each takes the place of the
 * shard it replaces. Photographs that were added to the corpus make a generation that brings a listing, and places, of
 * its own. The files of generations never change either, so the shards that make up the run are a function of the
 * store, for every process the same.
 */
import { IntegrityError, PosecastError } from '../errors.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import {
  type AppendGeneration,
  type Generation,
  generationSchema,
  type RetryGeneration,
} from './generationFile.ts';
import { jsonFile, parseJsonFile } from './parseFile.ts';
import type { RunFile } from './runFile.ts';
import { GENERATIONS_PREFIX, generationKey, generationOfKey } from './runKeys.ts';
import type { FileEntry } from './shardCommit.ts';

export type { AppendGeneration, Generation, RetryGeneration };

/** A listing with its plan: the run's own, and one for each append. */
export interface RunListing {
  /** 0: the run as planned. */
  readonly generation: number;
  /** In the keys of the plan; for the run as planned, its id. */
  readonly planId: string;
  readonly parts: RunFile['listing'];
  /** Place of the plan's first shard. */
  readonly firstPlace: number;
  readonly shards: number;
  readonly faces: number;
  /** People without an earlier photograph, and the class_index of the first of them. */
  readonly newSubjects: number;
  readonly firstNewClass: number;
  /** Who the people of an append's listing are to the run; null: all of them are new, in listing order. */
  readonly subjects: FileEntry | null;
}

/** The shards that make up a run now. A place is a shard's position in the plans laid end to end; it never changes. */
export interface RunShards {
  readonly runId: string;
  /** In order, without the run as planned. */
  readonly generations: readonly Generation[];
  /** In the order of their places; the first is that of the run as planned. */
  readonly listings: readonly RunListing[];
  /** Shards that the run consists of: as many as all plans have. */
  readonly places: number;
  /** Numbers given out so far: the next generation's first shard. */
  readonly numbers: number;
  /** Of all listings together; `subjects`: different people. */
  readonly faces: number;
  readonly subjects: number;
  /** The corpus as it was found last. */
  readonly corpus: RunFile['corpus'];
  /** The shard that counts at a place. */
  shardAt(place: number): number;
  /** The place where a shard counts; undefined for one that was replaced, and for one that never was. */
  placeOf(shard: number): number | undefined;
  /** The listing that a place belongs to. */
  listingAt(place: number): RunListing;
}

/** All places, in order. */
export function placesOf({ places }: RunShards): number[] {
  return Array.from({ length: places }, (_, place) => place);
}

/** What of run.json says which shards there are. */
export type PlannedShards = Pick<RunFile, 'runId' | 'shards' | 'corpus' | 'listing'>;

/** The numbers of the generations in a store, ascending. */
export async function listGenerations(store: ObjectStore, signal?: AbortSignal): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { key } of store.list(GENERATIONS_PREFIX, signal)) {
    const number = generationOfKey(key);
    if (number !== undefined) numbers.push(number);
  }
  return numbers.sort((a, b) => a - b);
}

/** Throws IntegrityError when the generations do not follow one another. */
export async function readRunShards(
  store: ObjectStore,
  run: PlannedShards,
  signal?: AbortSignal,
): Promise<RunShards> {
  const generations: Generation[] = [];
  for (const number of await listGenerations(store, signal)) {
    const key = generationKey(number);
    const bytes = await store.get(key, undefined, signal);
    if (bytes === undefined) throw new IntegrityError('missing-file', 'generation disappeared', { key });
    generations.push(parseJsonFile(generationSchema, bytes, key));
  }
  return runShards(run, generations);
}

/** The same from the generations themselves; pure. */
export function runShards(run: PlannedShards, generations: readonly Generation[]): RunShards {
  // Only what differs from the plan: runs have millions of shards, and hardly any generations.
  const given = new Map<number, number>();
  /** Place by shard number; −1: replaced. */
  const places = new Map<number, number>();
  const listings = [plannedListing(run)];
  /** Numbers of a plan's shards follow one another, as its places do. */
  const firstShards = [0];
  const firstPlaces = [0];
  let [numbers, placeCount] = [run.shards, run.shards];

  const plannedPlace = (shard: number): number => {
    const i = lastNotAbove(firstShards, shard);
    const listing = listings[i];
    const within = shard - (firstShards[i] ?? 0);
    return listing !== undefined && within >= 0 && within < listing.shards ? listing.firstPlace + within : -1;
  };
  const placeOf = (shard: number): number => places.get(shard) ?? plannedPlace(shard);
  const listingAt = (place: number): RunListing => {
    const found = listings[lastNotAbove(firstPlaces, place)];
    if (found === undefined) throw new RangeError(`place ${place} is below 0`);
    return found;
  };
  const plannedShard = (place: number): number => {
    const i = lastNotAbove(firstPlaces, place);
    if (i < 0) throw new RangeError(`place ${place} is below 0`);
    return (firstShards[i] ?? 0) + place - (listings[i]?.firstPlace ?? 0);
  };

  for (const [i, generation] of generations.entries()) {
    const check = (what: string, expected: string | number, found: string | number): void => {
      if (found === expected) return;
      const facts = { key: generationKey(generation.generation), expected, found };
      throw new IntegrityError('bad-generation', `generation does not follow the one before: ${what}`, facts);
    };
    check('number', i + 1, generation.generation);
    check('run', run.runId, generation.runId);
    check('first shard', numbers, generation.firstShard);
    if (generation.kind === 'append') {
      const before = listings.at(-1)!;
      listings.push(appendedListing(generation, placeCount, before.firstNewClass + before.newSubjects));
      firstShards.push(numbers);
      firstPlaces.push(placeCount);
      numbers += generation.shards;
      placeCount += generation.shards;
      continue;
    }
    for (const replaced of generation.replaces) {
      const place = placeOf(replaced);
      if (place < 0) check('replaced shard', 'one that counts', replaced);
      places.set(replaced, -1);
      places.set(numbers, place);
      given.set(place, numbers);
      numbers++;
    }
  }
  const newest = generations.findLast((generation) => generation.kind === 'append');
  return {
    runId: run.runId,
    generations,
    listings,
    places: placeCount,
    numbers,
    faces: listings.reduce((sum, { faces }) => sum + faces, 0),
    subjects: listings.reduce((sum, { newSubjects }) => sum + newSubjects, 0),
    corpus: newest?.corpus ?? run.corpus,
    shardAt: (place) => given.get(place) ?? plannedShard(place),
    placeOf: (shard) => {
      const place = placeOf(shard);
      return place < 0 ? undefined : place;
    },
    listingAt,
  };
}

/** Index of the last of the ascending numbers that is not above `value`; −1: all are. */
function lastNotAbove(ascending: readonly number[], value: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function plannedListing({ runId, listing, shards, corpus }: PlannedShards): RunListing {
  return {
    generation: 0,
    planId: runId,
    parts: listing,
    firstPlace: 0,
    shards,
    faces: corpus.faces,
    newSubjects: corpus.subjects,
    firstNewClass: 0,
    subjects: null,
  };
}

function appendedListing(
  { generation, plan, listing, shards, added, subjects }: AppendGeneration,
  firstPlace: number,
  firstNewClass: number,
): RunListing {
  return {
    generation,
    planId: plan,
    parts: listing,
    firstPlace,
    shards,
    faces: added.faces,
    newSubjects: added.subjects,
    firstNewClass,
    subjects,
  };
}

/**
 * Adds a generation that does shards again. The run is not finished from then on: `_SUCCESS` is the caller's.
 * @param replaces shards that count now.
 * @throws PosecastError when another process added one in the same moment; nothing was changed then.
 */
export async function addRetryGeneration(
  store: ObjectStore,
  run: RunFile,
  shards: RunShards,
  asked: {
    readonly codes: readonly string[] | null;
    readonly replaces: readonly number[];
    readonly createdAt: string;
  },
): Promise<RetryGeneration> {
  const generation: RetryGeneration = {
    schemaVersion: 1,
    runId: run.runId,
    generation: shards.generations.length + 1,
    createdAt: asked.createdAt,
    kind: 'retry',
    codes: asked.codes === null ? null : [...asked.codes],
    firstShard: shards.numbers,
    replaces: [...asked.replaces],
  };
  if (await addGeneration(store, run, shards, generation)) return generation;
  throw new PosecastError(
    'generation-taken',
    'another process added a generation in this moment; look again',
    { key: generationKey(generation.generation) },
  );
}

/** False: another process added one with this number; nothing was changed. `_SUCCESS` is the caller's. */
export async function addGeneration(
  store: ObjectStore,
  run: RunFile,
  shards: RunShards,
  generation: Generation,
): Promise<boolean> {
  // One that cannot be read again must not be written.
  runShards(run, [...shards.generations, generation]);
  return store.putIfAbsent(
    generationKey(generation.generation),
    jsonFile(generationSchema.parse(generation)),
  );
}
