/**
 * A finished run may get files afterwards: an attempt that was uploading when the run was finished removes its own, but
 * not if it dies in that moment; on a store that ignores If-None-Match it may even put its commit in the place of
 * another. A planner that came second may be killed before it removes its listing. A finisher of an earlier generation
 * that slept may put its manifest in the place of the newer one, and die. Or the last files are lost. Finishing once
 * more makes the run whole. Or a commit is lost: then its shard has to be done again.
 */
import type { ObjectStore } from '../store/objectStore.ts';
import { attemptFiles } from './attemptFiles.ts';
import { isFinished, readCommittedSet } from './committedShards.ts';
import { finalizeRun } from './finalizeRun.ts';
import { readRunShards } from './generations.ts';
import { readManifest } from './manifest.ts';
import type { RunFile } from './runFile.ts';
import { SUBJECTS_KEY, SUCCESS_KEY } from './runKeys.ts';
import type { RunShards } from './runShards.ts';
import { strayListings } from './strayListings.ts';

/**
 * Whether the run is finished; if its last files are not there, or others were left in it since, it is finished again.
 * When commits were lost, `_SUCCESS` is taken away. Reads no commit and no table unless it is finished again.
 */
export async function settleFinished(
  store: ObjectStore,
  run: RunFile,
  signal?: AbortSignal,
): Promise<boolean> {
  if (!(await isFinished(store))) return false;
  const shards = await readRunShards(store, run, signal);
  if ((await readCommittedSet(store, shards, signal)).size < shards.places) {
    await store.delete(SUCCESS_KEY, signal);
    return false;
  }
  const isWhole =
    (await hasLastFiles(store, shards, signal)) &&
    !(await hasStrayListings(store, run, signal)) &&
    !(await hasStrayAttempts(store, shards, signal));
  if (isWhole) return true;
  return (await finalizeRun(store, run, signal ? { signal } : {})).status === 'finished';
}

/** Whether they are there, and of all generations. */
async function hasLastFiles(
  store: ObjectStore,
  { generations }: RunShards,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if ((await store.head(SUBJECTS_KEY, signal)) === undefined) return false;
  const manifest = await readManifest(store);
  return manifest?.generations.length === generations.length;
}

async function hasStrayListings(
  store: ObjectStore,
  run: RunFile,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for await (const _ of strayListings(store, run, signal)) return true;
  return false;
}

/** Every committed shard has one attempt's files; another attempt's are left over. */
async function hasStrayAttempts(
  store: ObjectStore,
  shards: RunShards,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const attempts = new Map<number, string>();
  for await (const { shardIndex, attemptId } of attemptFiles(store, shards, signal)) {
    if (shards.placeOf(shardIndex) === undefined) return true;
    if ((attempts.get(shardIndex) ?? attemptId) !== attemptId) return true;
    attempts.set(shardIndex, attemptId);
  }
  return false;
}
