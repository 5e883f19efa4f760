/**
 * The last step of a run: when every shard is committed, one manifest over all of them. Any process may do it, two at
 * once too: what is written is a function of run.json and the commits alone, `_SUCCESS` comes last, and doing it
 * again changes nothing. One that sleeps meanwhile, while a generation is added, does it again.
 */
import { bodyBytes, bodySha256 } from '../store/objectBody.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { encodeParquet } from '../table/encodeTable.ts';
import { tableMetadata } from '../table/tableMetadata.ts';
import { attemptFiles } from './attemptFiles.ts';
import { CommitSums } from './commitSums.ts';
import { isFinished, isMissing, readCommittedSet, successBody } from './committedShards.ts';
import { listGenerations, readRunShards } from './generations.ts';
import { ManifestFileList, type RunManifest } from './manifest.ts';
import { type MergeOptions, mergeSubjects } from './mergeSubjects.ts';
import { resumeRun } from './pause.ts';
import type { RunFile } from './runFile.ts';
import { MANIFEST_KEY, SUBJECTS_KEY, SUCCESS_KEY } from './runKeys.ts';
import type { RunShards } from './runShards.ts';
import { removeShardFailures } from './shardFailure.ts';
import { strayListings } from './strayListings.ts';

export type FinalizeResult =
  | { readonly status: 'finished'; readonly totals: RunManifest['totals'] }
  /** `done`: shards with a commit; `missing`: those without one. */
  | {
      readonly status: 'unfinished';
      readonly done: number;
      readonly missing: number;
      /** Whether a shard counts and has no commit. */
      readonly isMissing: (shard: number) => boolean;
    };

/** Throws IntegrityError when the commits do not make up the run. */
export async function finalizeRun(
  store: ObjectStore,
  run: RunFile,
  options: MergeOptions = {},
): Promise<FinalizeResult> {
  const { signal } = options;
  const shards = await readRunShards(store, run, signal);
  const committed = await readCommittedSet(store, shards, signal);
  if (committed.size < shards.places) {
    const { size: done } = committed;
    return {
      status: 'unfinished',
      done,
      missing: shards.places - done,
      isMissing: (shard) => isMissing(shards, committed, shard),
    };
  }

  const sums = new CommitSums(run, shards);
  const files = new ManifestFileList();
  const recognizer = {
    runId: run.runId,
    recognizer: run.recognizer.name,
    recognizerDigest: run.recognizer.digest,
  };
  const subjects = await encodeParquet(
    mergeSubjects(store, shards, { sums, files }, options),
    tableMetadata({ kind: 'subjects', ...recognizer }),
  );
  sums.requireWhole();
  const table = { bytes: bodyBytes(subjects), sha256: bodySha256(subjects) };
  const manifest = files.toManifest(sums.describe(table));
  const isOutdated = async () => (await listGenerations(store, signal)).length !== shards.generations.length;
  // The last files of a newer generation must not be replaced by those of this one.
  if (await isOutdated()) return finalizeRun(store, run, options);
  await store.put(SUBJECTS_KEY, subjects, signal);
  await store.put(MANIFEST_KEY, manifest, signal);
  // Of shards that were committed in the end, or replaced; a generation that came since has its own.
  await removeShardFailures(store, (shard) => shard < shards.numbers, signal);
  await removeOrphans(store, shards, sums.winners, signal);
  for await (const key of strayListings(store, run, signal)) await store.delete(key, signal);
  if (await isOutdated()) {
    // It may be done already, and the manifest is now the one of before.
    await store.delete(SUCCESS_KEY, signal);
  } else {
    // A pause that came too late for this must not hold the next append.
    await resumeRun(store, run.runId);
    await store.put(SUCCESS_KEY, successBody(shards.generations.length), signal);
    if (await isFinished(store)) return { status: 'finished', totals: sums.totals };
  }
  return finalizeRun(store, run, options);
}

/** Removes the files of attempts that lost or died, and of replaced shards. Leaves what posecast did not name. */
async function removeOrphans(
  store: ObjectStore,
  shards: RunShards,
  winners: ReadonlyMap<number, string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const { key, shardIndex, attemptId } of attemptFiles(store, shards, signal)) {
    if (winners.get(shardIndex) !== attemptId) await store.delete(key, signal);
  }
}
