/** What a job of the queue is held to: the plans in the store, with the numbers that generations gave their shards. */
import type { SubjectId } from '../face.ts';
import { openPlan, readPlan, type ShardPlan } from '../listing/shardPlan.ts';
import type { ShardSpec } from '../shard.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { type AppendedSubject, readAppendedSubjects } from './appendedSubjects.ts';
import { readRunShards } from './generations.ts';
import type { PlannedShards, RunListing, RunShards } from './runShards.ts';

/** Who the people of an append's shard are to the run. */
export interface AppendedShard {
  readonly generation: number;
  /** In listing order. */
  readonly subjects: readonly AppendedSubject[];
}

export interface RunPlan {
  /**
   * The shard with this number; 'replaced' when a generation does it again under another number; undefined when there
   * is none. Throws IntegrityError when plan or generations are not there or cannot be read.
   */
  shard(index: number): Promise<ShardSpec | 'replaced' | undefined>;
  /** Undefined for a shard of the run as planned: its people are all new, in class_index order. */
  appended(spec: ShardSpec): Promise<AppendedShard | undefined>;
  /**
   * Places where later appends have rows of a shard's people, by person: of a shard that is done again. It would not be
   * done a first time after them.
   */
  laterPlaces(spec: ShardSpec, signal?: AbortSignal): Promise<ReadonlyMap<SubjectId, readonly number[]>>;
  /** The shard that counts at a place. */
  shardAt(place: number): Promise<number>;
  /** Shards and photographs of the whole run. */
  extent(): Promise<{ readonly shards: number; readonly faces: number }>;
}

/** Nothing is read before the first question. */
export function openRunPlan(store: ObjectStore, run: PlannedShards): RunPlan {
  const plans = new Map<string, ShardPlan>();
  let known: RunShards | undefined;
  const read = async (): Promise<RunShards> => {
    known = await readRunShards(store, run);
    return known;
  };
  const planOf = ({ planId }: RunListing): ShardPlan => {
    const plan = plans.get(planId) ?? openPlan(store, planId);
    plans.set(planId, plan);
    return plan;
  };
  return {
    async shard(index) {
      // A number that was not given out before may be a newer generation's.
      const shards = known === undefined || index >= known.numbers ? await read() : known;
      const place = shards.placeOf(index);
      if (place === undefined) return index < shards.numbers ? 'replaced' : undefined;
      const listing = shards.listingAt(place);
      const spec = await planOf(listing).shard(place - listing.firstPlace);
      return spec && { ...spec, runId: run.runId, index };
    },
    async appended({ index, firstClassIndex, subjects }) {
      const shards = known ?? (await read());
      const place = shards.placeOf(index);
      if (place === undefined) return undefined;
      return readAppendedShard(store, shards.listingAt(place), firstClassIndex, subjects);
    },
    async laterPlaces({ index }, signal) {
      const shards = known ?? (await read());
      const place = shards.placeOf(index);
      return place === undefined ? new Map() : readLaterPlaces(store, shards, place, signal);
    },
    // Read anew: a place may have been given to another shard since.
    shardAt: async (place) => (await read()).shardAt(place),
    async extent() {
      const { places, faces } = known ?? (await read());
      return { shards: places, faces };
    },
  };
}

/** The people of a shard whose first one has this position in its listing; undefined in the run as planned. */
export async function readAppendedShard(
  store: ObjectStore,
  { generation, subjects: table }: RunListing,
  firstPosition: number,
  subjects: number,
  signal?: AbortSignal,
): Promise<AppendedShard | undefined> {
  if (table === null) return undefined;
  return {
    generation,
    subjects: await readAppendedSubjects(store, table.key, firstPosition, firstPosition + subjects, signal),
  };
}

/** Rows of a table of people in memory at a time. */
const PIECE_ROWS = 10_000;

async function readLaterPlaces(
  store: ObjectStore,
  { listings }: RunShards,
  place: number,
  signal: AbortSignal | undefined,
): Promise<Map<SubjectId, number[]>> {
  const found = new Map<SubjectId, number[]>();
  for (const { firstPlace, subjects, planId } of listings) {
    if (firstPlace <= place || subjects === null) continue;
    const people: { readonly subjectId: SubjectId; readonly position: number }[] = [];
    for (let start = 0; start < subjects.rows; start += PIECE_ROWS) {
      const end = Math.min(subjects.rows, start + PIECE_ROWS);
      const piece = await readAppendedSubjects(store, subjects.key, start, end, signal);
      for (const [i, { subjectId, earlier }] of piece.entries()) {
        if (earlier.includes(place)) people.push({ subjectId, position: start + i });
      }
    }
    if (people.length === 0) continue;
    // Both are in the order of the listing.
    let next = 0;
    for await (const { spec } of readPlan(store, planId, signal)) {
      for (; people[next] && people[next]!.position < spec.firstClassIndex + spec.subjects; next++) {
        const { subjectId } = people[next]!;
        found.set(subjectId, [...(found.get(subjectId) ?? []), firstPlace + spec.index]);
      }
    }
  }
  return found;
}

/** The shards that make up the run: those of all plans, with the numbers of the newest generation. */
export async function* currentSpecs(
  run: Pick<PlannedShards, 'runId'>,
  store: ObjectStore,
  shards: RunShards,
  signal?: AbortSignal,
): AsyncGenerator<{ readonly spec: ShardSpec; readonly faces: number }> {
  for (const { planId, firstPlace } of shards.listings) {
    for await (const { spec, faces } of readPlan(store, planId, signal)) {
      const index = shards.shardAt(firstPlace + spec.index);
      yield { spec: { ...spec, runId: run.runId, index }, faces };
    }
  }
}
