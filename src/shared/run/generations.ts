/**
 * Generations: what was added to a run after it was planned. Commits never change, so shards that are to be done again
 * become shards of a new generation, with numbers of their own that follow the last ones; each takes the place of the
 * shard it replaces. `generations/<n>.json` is put if absent and never changes either, so the shards that make up the
 * run are a function of the store, for every process the same.
 */
import { z } from 'zod';
import { IntegrityError, PosecastError } from '../errors.ts';
import { MAX_SHARDS, runIdSchema } from '../shard.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { jsonFile, parseJsonFile } from './parseFile.ts';
import type { RunFile } from './runFile.ts';
import { GENERATIONS_PREFIX, generationKey, generationNumber } from './runKeys.ts';

export const generationSchema = z.strictObject({
  schemaVersion: z.literal(1),
  runId: runIdSchema,
  /** The run as planned is generation 0 and has no file. */
  generation: z.int().min(1),
  /** ISO 8601. */
  createdAt: z.iso.datetime(),
  /** Why: shards to be done again. Other kinds are other versions of posecast. */
  kind: z.literal('retry'),
  /** The codes it was narrowed to; null: every failed shard. */
  codes: z.array(z.string().min(1)).nullable(),
  /** Number of its first shard; the k-th takes the place of shard `replaces[k]`. */
  firstShard: z.int().min(1).max(MAX_SHARDS),
  replaces: z.array(z.int().min(0).max(MAX_SHARDS)).min(1),
});

export type Generation = z.infer<typeof generationSchema>;

/** The shards that make up a run now. A place is a shard's position in the plan, and in the listing. */
export interface RunShards {
  /** In order, without the run as planned. */
  readonly generations: readonly Generation[];
  /** Shards that the run consists of: as many as were planned. */
  readonly places: number;
  /** Numbers given out so far: the next generation's first shard. */
  readonly numbers: number;
  /** The shard that counts at a place. */
  shardAt(place: number): number;
  /** The place where a shard counts; undefined for one that was replaced, and for one that never was. */
  placeOf(shard: number): number | undefined;
}

/** Throws IntegrityError when the generations do not follow one another. */
export async function readRunShards(
  store: ObjectStore,
  run: Pick<RunFile, 'runId' | 'shards'>,
  signal?: AbortSignal,
): Promise<RunShards> {
  const numbers: number[] = [];
  for await (const { key } of store.list(GENERATIONS_PREFIX, signal)) {
    const number = generationNumber(key);
    if (number !== undefined) numbers.push(number);
  }
  const generations: Generation[] = [];
  for (const number of numbers.sort((a, b) => a - b)) {
    const key = generationKey(number);
    const bytes = await store.get(key, undefined, signal);
    if (bytes === undefined) throw new IntegrityError('no-file', 'generation disappeared', { key });
    generations.push(parseJsonFile(generationSchema, bytes, key));
  }
  return runShards(run, generations);
}

/** The same from the generations themselves; pure. */
export function runShards(
  run: Pick<RunFile, 'runId' | 'shards'>,
  generations: readonly Generation[],
): RunShards {
  // Only what differs from the plan: runs have millions of shards, and hardly any generations.
  const replacedAt = new Map<number, number>();
  /** Place by shard number; −1: replaced. */
  const places = new Map<number, number>();
  let numbers = run.shards;
  const placeOf = (shard: number): number => places.get(shard) ?? (shard < run.shards ? shard : -1);
  for (const [i, { generation, runId, firstShard, replaces }] of generations.entries()) {
    const check = (what: string, expected: string | number, found: string | number): void => {
      if (found === expected) return;
      const facts = { key: generationKey(generation), expected, found };
      throw new IntegrityError('bad-generation', `generation does not follow the one before: ${what}`, facts);
    };
    check('number', i + 1, generation);
    check('run', run.runId, runId);
    check('first shard', numbers, firstShard);
    for (const replaced of replaces) {
      const place = placeOf(replaced);
      if (place < 0) check('replaced shard', 'one that counts', replaced);
      places.set(replaced, -1);
      places.set(numbers, place);
      replacedAt.set(place, numbers);
      numbers++;
    }
  }
  return {
    generations,
    places: run.shards,
    numbers,
    shardAt: (place) => replacedAt.get(place) ?? place,
    placeOf: (shard) => {
      const place = placeOf(shard);
      return place < 0 ? undefined : place;
    },
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
): Promise<Generation> {
  const generation: Generation = {
    schemaVersion: 1,
    runId: run.runId,
    generation: shards.generations.length + 1,
    createdAt: asked.createdAt,
    kind: 'retry',
    codes: asked.codes === null ? null : [...asked.codes],
    firstShard: shards.numbers,
    replaces: [...asked.replaces],
  };
  // One that cannot be read again must not be written.
  runShards(run, [...shards.generations, generation]);
  const key = generationKey(generation.generation);
  if (await store.putIfAbsent(key, jsonFile(generationSchema.parse(generation)))) return generation;
  throw new PosecastError(
    'generation-taken',
    'another process added a generation in this moment; look again',
    {
      key,
    },
  );
}
