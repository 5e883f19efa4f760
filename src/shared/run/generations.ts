/**
 * Generations: what was added to a run after it was planned. Commits never change, so shards that are to be done again
 * become shards of a new generation, with numbers of their own that follow the last ones; each takes the place of the
 * shard it replaces. Photographs that were added to the corpus make a generation that brings a listing, and places, of
 * its own. The files of generations never change either, so the shards that make up the run are a function of the
 * store, for every process the same.
 */
import { IntegrityError, PosecastError } from '../errors.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { type Generation, generationSchema, type RetryGeneration } from './generationFile.ts';
import { jsonFile, parseJsonFile } from './parseFile.ts';
import type { RunFile } from './runFile.ts';
import { GENERATIONS_PREFIX, generationKey, generationOfKey } from './runKeys.ts';
import { type PlannedShards, type RunShards, runShards } from './runShards.ts';

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
