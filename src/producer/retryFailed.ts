/** Which shards of a run are to be done again, and the generation that does it. */
import { mapInOrder } from '../shared/mapInOrder.ts';
import { readCommittedSet } from '../shared/run/committedShards.ts';
import {
  addRetryGeneration,
  type RetryGeneration,
  type RunShards,
  readRunShards,
} from '../shared/run/generations.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import { SUCCESS_KEY } from '../shared/run/runKeys.ts';
import { readShardCommit } from '../shared/run/shardCommit.ts';
import { readShardFailures, type ShardFailureNote } from '../shared/run/shardFailure.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';

/** Commits read at the same time. */
const READS = 16;

export interface RetryChoice {
  /** As they were when the choice was made. */
  readonly shards: RunShards;
  /** Shards that failed for good and were chosen. */
  readonly failed: readonly ShardFailureNote[];
  /** Committed shards with rejected photographs of the codes asked for. */
  readonly rejecting: readonly { readonly shard: number; readonly photographs: number }[];
  /** Every code there is, with shards (failures) or photographs (rejects, `stage/code`; only looked for when asked). */
  readonly codes: Readonly<Record<string, number>>;
}

/**
 * @param codes null: every failed shard. Codes of failures, and `stage/code` of rejected photographs, which make
 * their whole shard be done again.
 */
export async function chooseRetries(
  run: RunFile,
  store: ObjectStore,
  codes: readonly string[] | null,
  signal?: AbortSignal,
): Promise<RetryChoice> {
  const shards = await readRunShards(store, run, signal);
  const committed = await readCommittedSet(store, shards, signal);
  const failures = (await readShardFailures(store, run.runId, signal)).filter(
    ({ shard }) => shards.placeOf(shard) !== undefined && !committed.has(shard),
  );
  const found: Record<string, number> = {};
  for (const { code } of failures) found[code] = (found[code] ?? 0) + 1;
  const rejecting: { shard: number; photographs: number }[] = [];
  if (codes?.some(isRejectCode)) {
    const current = Array.from({ length: shards.places }, (_, place) => shards.shardAt(place));
    const read = (shard: number) => readShardCommit(store, shard);
    for await (const commit of mapInOrder(
      current.filter((shard) => committed.has(shard)),
      READS,
      read,
    )) {
      signal?.throwIfAborted();
      let photographs = 0;
      for (const [code, faces] of Object.entries(commit?.rejectsByCode ?? {})) {
        found[code] = (found[code] ?? 0) + faces;
        if (codes.includes(code)) photographs += faces;
      }
      if (commit !== undefined && photographs > 0) rejecting.push({ shard: commit.spec.index, photographs });
    }
  }
  const failed = failures.filter(({ code }) => codes === null || codes.includes(code));
  return { shards, failed, rejecting, codes: found };
}

/** A reject's code is `stage/code`, a failure's has no stage. */
function isRejectCode(code: string): boolean {
  return code.includes('/');
}

/**
 * Writes the generation; the run is unfinished from then on. Until it is finished again its manifest names the files
 * it named before, and they stay.
 * @param choice of at least one shard.
 */
export async function retryShards(
  run: RunFile,
  store: ObjectStore,
  choice: RetryChoice,
  asked: { readonly codes: readonly string[] | null; readonly createdAt: string },
): Promise<RetryGeneration> {
  const replaces = [...choice.failed, ...choice.rejecting].map(({ shard }) => shard).sort((a, b) => a - b);
  // Before, so that no reader takes the run for finished when the generation is there; after, because a worker may
  // have finished it in between.
  await store.delete(SUCCESS_KEY);
  const generation = await addRetryGeneration(store, run, choice.shards, { ...asked, replaces });
  await store.delete(SUCCESS_KEY);
  return generation;
}
