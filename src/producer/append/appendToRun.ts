/** Takes up what a corpus has got since a run was planned, as a generation of the run. */
import type { RunConfig } from '../../shared/config.ts';
import { readCommittedSet } from '../../shared/run/committedShards.ts';
import type { AppendGeneration } from '../../shared/run/generationFile.ts';
import { addGeneration, readRunShards } from '../../shared/run/generations.ts';
import { reopenRun } from '../../shared/run/reopenRun.ts';
import type { RunFile } from '../../shared/run/runFile.ts';
import { generationOfListingKey, newPlanId } from '../../shared/run/runKeys.ts';
import type { RunShards } from '../../shared/run/runShards.ts';
import type { ObjectStore } from '../../shared/store/objectStore.ts';
import { removeListings, removeOwnListing } from '../removeListings.ts';
import { type ListAppendOptions, listAppend } from './listAppend.ts';

/**
 * - waits: shards of before have to be committed first, since the new ones read their rows; ask again then
 * - nothing: every photograph of the corpus is known
 * - planned: the generation is there; the run is unfinished from then on
 */
export type AppendOutcome =
  | { readonly status: 'waits'; readonly missing: number }
  | { readonly status: 'nothing'; readonly gone: number }
  | { readonly status: 'planned'; readonly generation: AppendGeneration };

export type AppendOptions = Pick<ListAppendOptions, 'signal' | 'note' | 'corpusS3' | 'onListed'>;

/**
 * Any number of processes may do it at once: one gets the generation, the others answer 'waits'.
 * @throws ConfigError, with nothing written, when photographs were changed or relabelled.
 */
export async function appendToRun(
  run: RunFile,
  config: RunConfig,
  store: ObjectStore,
  options: AppendOptions,
): Promise<AppendOutcome> {
  const { signal } = options;
  const shards = await readRunShards(store, run, signal);
  if (store.atomicPutIfAbsent) await removeLeftovers(store, run, shards);
  const committed = await readCommittedSet(store, shards, signal);
  if (committed.size < shards.places) return { status: 'waits', missing: shards.places - committed.size };
  const planId = newPlanId(run.runId, shards.generations.length + 1);
  const createdAt = new Date().toISOString();
  try {
    const { note, corpusS3, onListed } = options;
    const listed = await listAppend(run, shards, config, store, store, {
      planId,
      createdAt,
      corpusS3,
      ...(signal && { signal }),
      ...(note && { note }),
      ...(onListed && { onListed }),
    });
    const { generation, gone } = listed;
    if (generation === undefined) return { status: 'nothing', gone };
    await reopenRun(store, shards, () => addGeneration(store, run, shards, generation));
    // What can be read back decides: the answer to a retried request may be about this process's own earlier write.
    const now = await readRunShards(store, run);
    if (hasPlan(now, planId)) {
      if (store.atomicPutIfAbsent) await removeLeftovers(store, run, now);
      return { status: 'planned', generation };
    }
  } catch (error) {
    await removeOwnListing(store, planId, async () => hasPlan(await readRunShards(store, run), planId));
    throw error;
  }
  await removeListings(store, (key) => key.includes(planId));
  return appendToRun(run, config, store, options);
}

/**
 * Listings of appends that were broken off, or that another one forestalled: their number is taken, so that no
 * generation can come any more that names them. One that is being planned now has the next number, and so has one that
 * was broken off since the last generation: it stays, as no problem of the run, until the next generation has come.
 */
async function removeLeftovers(
  store: ObjectStore,
  { runId }: RunFile,
  { generations, listings }: RunShards,
): Promise<void> {
  await removeListings(store, (key) => {
    const planned = generationOfListingKey(runId, key);
    if (planned === undefined || planned > generations.length) return false;
    // The id of the run is in every key.
    return !listings.some(({ generation, planId }) => generation > 0 && key.includes(planId));
  });
}

function hasPlan({ listings }: RunShards, planId: string): boolean {
  return listings.some((listing) => listing.planId === planId);
}
