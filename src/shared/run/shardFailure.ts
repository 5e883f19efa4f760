/**
 * failures/<shard>.json: why a shard was given up. Redis knows it too, until it is emptied; a note for people and for
 * `retry-failed`, not part of the result. It goes when the shard is tried again; a commit of the shard makes it void.
 */
import { z } from 'zod';
import { mapInOrder } from '../async/mapInOrder.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { jsonFile, parseJsonFile } from './parseFile.ts';
import { FAILURES_PREFIX, failureKey, shardOfFailureKey } from './runKeys.ts';

const failureSchema = z.strictObject({
  schemaVersion: z.literal(1),
  runId: z.string().min(1),
  shard: z.int().min(0),
  /** The error's code; 'crashed' for a shard whose workers died, 'error' for an error without one. */
  code: z.string().min(1),
  message: z.string(),
  attempts: z.int().min(0),
  /** Name of the machine that saw the last failure. */
  host: z.string(),
  /** ISO 8601. */
  failedAt: z.iso.datetime(),
});

export type ShardFailureNote = z.infer<typeof failureSchema>;

const READ_AHEAD = 16;

export async function noteShardFailure(
  store: ObjectStore,
  note: Omit<ShardFailureNote, 'schemaVersion'>,
): Promise<void> {
  await store.put(failureKey(note.shard), jsonFile({ schemaVersion: 1, ...note }));
}

/** The note about a shard of whatever run, or undefined when it has none. Throws IntegrityError. */
export async function readShardFailure(
  store: ObjectStore,
  shard: number,
): Promise<ShardFailureNote | undefined> {
  const key = failureKey(shard);
  const bytes = await store.get(key);
  return bytes && parseJsonFile(failureSchema, bytes, key);
}

/** The notes of a run, by shard number. Throws IntegrityError. */
export async function readShardFailures(
  store: ObjectStore,
  runId: string,
  signal?: AbortSignal,
): Promise<ShardFailureNote[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(FAILURES_PREFIX, signal)) {
    if (shardOfFailureKey(key) !== undefined) keys.push(key);
  }
  const notes: ShardFailureNote[] = [];
  for await (const { key, bytes } of mapInOrder(keys, READ_AHEAD, async (key) => ({
    key,
    bytes: await store.get(key),
  }))) {
    if (bytes === undefined) continue;
    const note = parseJsonFile(failureSchema, bytes, key);
    if (note.runId === runId) notes.push(note);
  }
  return notes;
}

/** The shards with notes, of whatever run. */
export async function notedShards(store: ObjectStore, signal?: AbortSignal): Promise<Set<number>> {
  const shards = new Set<number>();
  for await (const { key } of store.list(FAILURES_PREFIX, signal)) {
    const shard = shardOfFailureKey(key);
    if (shard !== undefined) shards.add(shard);
  }
  return shards;
}

/** @param which of the shards: those that are tried again, or need no note any more. */
export async function removeShardFailures(
  store: ObjectStore,
  which: (shard: number) => boolean,
  signal?: AbortSignal,
): Promise<void> {
  for await (const { key } of store.list(FAILURES_PREFIX, signal)) {
    const shard = shardOfFailureKey(key);
    if (shard !== undefined && which(shard)) await store.delete(key, signal);
  }
}
