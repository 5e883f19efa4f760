/**
 * Re-reads a run and says whether it is what it claims to be: every file with the checksum of its commit, every face of
 * the listing a real row or a reject, every person in the subjects table, nothing twice, nothing left over, all as
 * planned. Memory grows with neither faces nor people: one shard is looked at at a time, in listing order.
 */

import { mapInOrder } from '../shared/async/mapInOrder.ts';
import { describeError, PermanentShardError } from '../shared/errors.ts';
import { readListing } from '../shared/listing/listing.ts';
import { CommitSums } from '../shared/run/commitSums.ts';
import { listGenerations, readRunShards } from '../shared/run/generations.ts';
import { type RunFile, requireRunFile } from '../shared/run/runFile.ts';
import { commitKey, GENERATIONS_PREFIX, generationKey } from '../shared/run/runKeys.ts';
import { readAppendedShard } from '../shared/run/runPlan.ts';
import { placesOf, type RunListing, type RunShards, runShards } from '../shared/run/runShards.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import type { SubjectRow } from '../shared/table/tables.ts';
import { checkListings } from './checkListings.ts';
import { checkRunFile } from './checkRunFile.ts';
import { checkVariants } from './checkVariants.ts';
import { DuplicateIds } from './duplicateIds.ts';
import { ListingWalk } from './listingWalk.ts';
import { type LoadedShard, loadShard } from './loadShard.ts';
import { compareExtent, compareManifest, ManifestFiles, openManifest } from './manifestChecks.ts';
import { openMergedRows } from './mergedRows.ts';
import { MergedSubjects } from './mergedSubjects.ts';
import { comparePlanned, plannedSpecs } from './plannedSpecs.ts';
import { damageOf, type Problem, ProblemLog } from './problems.ts';
import { reportDuplicates } from './reportDuplicates.ts';
import { findStrayFiles } from './strayFiles.ts';
import { type Checked, createTally } from './tally.ts';
import type { Verification } from './verification.ts';
import { verifyShard } from './verifyShard.ts';

/** Shards read ahead of the one being checked. */
const READ_AHEAD = 2;

export interface VerifyOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { shards: number; of: number; rows: number; bytes: number }) => void;
}

export interface VerifyReport {
  readonly store: string;
  readonly runId: string;
  readonly ok: boolean;
  /** What was read and counted, not what the manifest says. */
  readonly checked: Readonly<Checked>;
  /** All problems, by code. */
  readonly problemCounts: Readonly<Record<string, number>>;
  /** The first of each code. */
  readonly problems: readonly Problem[];
}

/**
 * Throws ConfigError when the store holds no run, or its run.json is damaged; everything else that is wrong is in the
 * report.
 */
export async function verifyRun(store: ObjectStore, options: VerifyOptions = {}): Promise<VerifyReport> {
  const run = await requireRunFile(store);
  const ids = new DuplicateIds();
  try {
    return await verify(store, run, ids, options);
  } finally {
    await ids.close();
  }
}

async function verify(
  store: ObjectStore,
  run: RunFile,
  ids: DuplicateIds,
  { signal, onProgress }: VerifyOptions,
): Promise<VerifyReport> {
  const problems = new ProblemLog();
  const verification = { store, run, problems, ids, signal };
  checkRunFile(verification);
  const newest = await newestGeneration(store, signal);
  const shards = await openRunShards(verification);
  const manifest = await openManifest(verification);
  await checkListings(verification, shards);
  const merged = await MergedSubjects.open(store, manifest, problems);
  const files = manifest === undefined ? undefined : new ManifestFiles(manifest, shards, problems);
  const mergedRows = await openMergedRows(verification, shards);
  const walk = new ListingWalk(shards, problems);
  const plan = plannedSpecs(verification, shards);
  const tally = createTally();
  const { checked } = tally;
  const sums = new CommitSums(run, shards);

  const indices = placesOf(shards).map(shards.shardAt);
  const load = (index: number) => loadShard(verification, index);
  for await (const shard of mapInOrder(indices, READ_AHEAD, load)) {
    signal?.throwIfAborted();
    const place = checked.shards;
    const index = shards.shardAt(place);
    const listing = walk.enter(place);
    const planned = (await plan.next()).value ?? undefined;
    if (shard === undefined) {
      tally.skip();
      walk.interrupt();
      files?.skip(index);
      merged.interrupt();
      continue;
    }
    const { commit } = shard;
    walk.add(commit);
    comparePlanned(verification, planned, commit);
    files?.compare(commit);
    const found = await checkShard(verification, listing, shard);
    if (found === undefined) walk.interrupt();
    const firsts = found?.filter(({ classIndex }) => classIndex >= listing.firstNewClass);
    const rows = firsts && mergedRows(firsts, index);
    if (rows === undefined) merged.interrupt();
    else merged.compare(rows);
    checkVariants(verification, commit, firsts ?? [], rows ?? []);
    await ids.settle();
    sums.add(commit, listing);
    tally.add(commit, firsts?.length ?? commit.spec.subjects);
    onProgress?.({ shards: checked.shards, of: shards.places, rows: checked.rows, bytes: checked.bytes });
  }
  // The last plan may have more shards.
  await plan.next();
  const { winners } = sums;
  if (winners.size === shards.places) {
    walk.finish();
    merged.finish();
    files?.finish();
    compareExtent(shards, tally, problems);
    if (manifest !== undefined) compareManifest(manifest, sums.describe(manifest.subjects), problems);
  }
  await reportDuplicates(verification, winners.keys());
  await reportStrays(verification, shards, winners, newest);
  return {
    store: store.uri,
    runId: run.runId,
    ok: problems.total === 0,
    checked,
    problemCounts: Object.fromEntries(problems.counts),
    problems: problems.kept,
  };
}

/** `newest`: the newest generation when the run began to be read. */
async function reportStrays(
  { store, problems, signal }: Verification,
  shards: RunShards,
  winners: ReadonlyMap<number, string>,
  newest: number | undefined,
): Promise<void> {
  const strays = await findStrayFiles(store, shards, winners);
  const newestNow = await newestGeneration(store, signal);
  if (newestNow === newest) return problems.addAll(strays);
  // The files of a new one would be among them.
  const key = newestNow === undefined ? GENERATIONS_PREFIX : generationKey(newestNow);
  const what = 'generations have come or gone while the run was read; verify it again';
  problems.add('run-changed', key, `${what}: what else was found may come from that`);
}

/** Undefined: there is none, or they cannot be listed, which is a problem already. */
async function newestGeneration(
  store: ObjectStore,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  try {
    return (await listGenerations(store, signal)).at(-1);
  } catch (error) {
    return void damageOf(error);
  }
}

/** Generations that cannot be read are a problem; what follows is then about the run as planned. */
async function openRunShards({ store, run, problems, signal }: Verification): Promise<RunShards> {
  try {
    return await readRunShards(store, run, signal);
  } catch (error) {
    problems.addDamaged(GENERATIONS_PREFIX)(error);
    return runShards(run, []);
  }
}

/** The shard's subject rows; undefined when they, or the shard's part of the listing, cannot be read. */
async function checkShard(
  verification: Verification,
  listing: RunListing,
  shard: LoadedShard,
): Promise<SubjectRow[] | undefined> {
  const { store, run, problems, signal } = verification;
  const { spec } = shard.commit;
  try {
    const faces = await readListing(store, spec, signal, run.config.labelColumns);
    const people = await readAppendedShard(store, listing, spec.firstClassIndex, spec.subjects, signal);
    const expected = { faces, classIndices: people?.subjects.map(({ classIndex }) => classIndex) };
    return verifyShard(verification, shard, expected);
  } catch (error) {
    const key = commitKey(spec.index);
    // A part that is not there, or has fewer rows.
    if (error instanceof PermanentShardError) return void problems.add('damaged', key, describeError(error));
    return problems.addDamaged(key)(error);
  }
}
