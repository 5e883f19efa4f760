/** Which shards of a run are to be done again, and the generation that does it. */

import { mapInOrder } from '../shared/async/mapInOrder.ts';
import { IntegrityError } from '../shared/errors.ts';
import { readPlan } from '../shared/listing/shardPlan.ts';
import { type CommittedSet, readCommittedSet } from '../shared/run/committedShards.ts';
import type { RetryGeneration } from '../shared/run/generationFile.ts';
import { addRetryGeneration, readRunShards } from '../shared/run/generations.ts';
import { reopenRun } from '../shared/run/reopenRun.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import { openRunPlan, readAppendedShard } from '../shared/run/runPlan.ts';
import { placesOf, type RunShards } from '../shared/run/runShards.ts';
import { addByCode, readCommitOf } from '../shared/run/shardCommit.ts';
import { readShardFailures, type ShardFailureNote } from '../shared/run/shardFailure.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';

/** What goes on with a run where its command line is not known. */
export const STARTING_COMMAND = 'the command that started the run (posecast run or submit), unchanged';

/** Commits read at the same time. */
const READS = 16;

export interface RetryChoice {
  /** As they were when the choice was made. */
  readonly shards: RunShards;
  /** Shards that failed for good and were chosen. */
  readonly failed: readonly ShardFailureNote[];
  /** Committed shards with rejected photographs of the codes asked for. */
  readonly rejecting: readonly RejectingShard[];
  /** Such shards that have to wait: others that have rows of the same people are done first. */
  readonly waiting: readonly RejectingShard[];
  /** Shards that are not committed, for whatever reason. */
  readonly missing: number;
  /** Every code there is, with shards (failures) or photographs (rejects, `stage/code`; only looked for when asked). */
  readonly codes: Readonly<Record<string, number>>;
}

export interface RejectingShard {
  readonly shard: number;
  /** Rejected with one of the codes. */
  readonly photographs: number;
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
  const noted = (await readShardFailures(store, run.runId, signal)).filter(
    ({ shard }) => shards.placeOf(shard) !== undefined,
  );
  // A commit makes a note void; one of another run is why the shard failed.
  for (const { shard } of noted) if (committed.has(shard)) await readCommitOf(store, run.runId, shard);
  const failures = noted.filter(({ shard }) => !committed.has(shard));
  const found: Record<string, number> = {};
  for (const { code } of failures) addByCode(found, { [code]: 1 });
  const rejecting: RejectingShard[] = [];
  if (codes?.some(isRejectCode)) {
    const current = placesOf(shards).map(shards.shardAt);
    const read = (shard: number) => readCommitOf(store, run.runId, shard);
    for await (const commit of mapInOrder(
      current.filter((shard) => committed.has(shard)),
      READS,
      read,
    )) {
      signal?.throwIfAborted();
      if (commit === undefined) continue;
      addByCode(found, commit.rejectsByCode);
      const chosen = Object.entries(commit.rejectsByCode).filter(([code]) => codes.includes(code));
      const photographs = chosen.reduce((sum, [, faces]) => sum + faces, 0);
      if (photographs > 0) rejecting.push({ shard: commit.spec.index, photographs });
    }
  }
  const failed = failures.filter(({ code }) => codes === null || codes.includes(code));
  const waiting = await sharingPeople(store, shards, committed, rejecting, signal);
  return {
    shards,
    failed,
    rejecting: rejecting.filter((shard) => !waiting.has(shard)),
    waiting: [...waiting],
    missing: shards.places - committed.size,
    codes: found,
  };
}

/**
 * Those that cannot be done now. What a shard makes of a person depends on the rows that other shards have of them: two
 * that share somebody are done one after the other. First comes what was done longest ago, or a photograph that stays
 * missing would have its shard chosen every time, and the others would wait for ever.
 */
async function sharingPeople(
  store: ObjectStore,
  shards: RunShards,
  committed: CommittedSet,
  rejecting: readonly RejectingShard[],
  signal: AbortSignal | undefined,
): Promise<Set<RejectingShard>> {
  const waiting = new Set<RejectingShard>();
  // Only appends have people of other shards.
  if (rejecting.length === 0 || shards.listings.length === 1) return waiting;
  const chosen = new Map(rejecting.map((shard) => [shards.placeOf(shard.shard), shard]));
  /** Places in work, and those whose rows they read. */
  const taken = new Set<number>();
  const read = new Set<number>();
  const asked: number[] = [];
  for (let place = 0; place < shards.places; place++) {
    if (!committed.has(shards.shardAt(place))) taken.add(place);
    else if (chosen.has(place)) asked.push(place);
  }
  // A number is higher than those of all shards taken up before.
  asked.sort((a, b) => shards.shardAt(a) - shards.shardAt(b));
  const earlier = await earlierPlaces(store, shards, new Set([...taken, ...asked]), signal);
  const earlierOf = (place: number): readonly number[] => [...(earlier.get(place) ?? [])];
  const take = (place: number): void => {
    taken.add(place);
    for (const other of earlierOf(place)) read.add(other);
  };
  for (const place of [...taken]) take(place);
  for (const place of asked) {
    if (read.has(place) || earlierOf(place).some((other) => taken.has(other)))
      waiting.add(chosen.get(place)!);
    else take(place);
  }
  return waiting;
}

/** Places with earlier rows of the people of some places. */
async function earlierPlaces(
  store: ObjectStore,
  { listings }: RunShards,
  places: ReadonlySet<number>,
  signal: AbortSignal | undefined,
): Promise<Map<number, Set<number>>> {
  const found = new Map<number, Set<number>>();
  for (const listing of listings) {
    if (listing.subjects === null) continue;
    for await (const { spec } of readPlan(store, listing.planId, signal)) {
      const place = listing.firstPlace + spec.index;
      if (!places.has(place)) continue;
      const people = await readAppendedShard(store, listing, spec.firstClassIndex, spec.subjects, signal);
      found.set(place, new Set(people?.subjects.flatMap(({ earlier }) => earlier)));
    }
  }
  return found;
}

/** A reject's code is `stage/code`, a failure's has no stage. */
function isRejectCode(code: string): boolean {
  return code.includes('/');
}

/**
 * Writes the generation; the run is unfinished from then on. Until it is finished again its manifest names the files
 * it named before, and they stay.
 * @param choice of at least one shard.
 * @throws IntegrityError when the plan of such a shard is not there or cannot be read; nothing was changed then.
 * @throws PosecastError when the generation cannot be written; a run that was finished is so again, or the error says
 * that it has to be.
 */
export async function retryShards(
  run: RunFile,
  store: ObjectStore,
  choice: RetryChoice,
  asked: { readonly codes: readonly string[] | null; readonly createdAt: string },
): Promise<RetryGeneration> {
  const replaces = [...choice.failed, ...choice.rejecting].map(({ shard }) => shard).sort((a, b) => a - b);
  await requirePlanned(run, store, replaces);
  return reopenRun(store, choice.shards, () =>
    addRetryGeneration(store, run, choice.shards, { ...asked, replaces }),
  );
}

/** A generation is never taken back: without the plan nobody could do its shards. */
async function requirePlanned(run: RunFile, store: ObjectStore, shards: readonly number[]): Promise<void> {
  const plan = openRunPlan(store, run);
  for (const shard of shards) {
    if ((await plan.shard(shard)) !== undefined) continue;
    throw new IntegrityError('no-shard', 'the plan has no such shard', { shard });
  }
}
