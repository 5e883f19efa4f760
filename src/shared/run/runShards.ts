/** The shards that make up a run, counted from its plan and the generations that came after it. */
import { IntegrityError } from '../errors.ts';
import type { AppendGeneration, Generation } from './generationFile.ts';
import type { RunFile } from './runFile.ts';
import { generationKey } from './runKeys.ts';
import type { FileEntry } from './shardCommit.ts';

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

/**
 * The shards of a run with its generations, in order; pure.
 * @throws IntegrityError when the generations do not follow one another.
 */
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
