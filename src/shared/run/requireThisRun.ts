/** Whether a store still holds the run that a process knows: it may have been deleted, moved or planned anew since. */
import { ConfigError, IntegrityError } from '../errors.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { otherRun } from './otherRun.ts';
import { type RunFile, readRunFile } from './runFile.ts';

/** @throws IntegrityError, no-run, other-run, damaged-run or not-readable; what is there then is not this run's to be counted. */
export async function requireThisRun(store: ObjectStore, runId: string): Promise<void> {
  const found = await readAgain(store);
  if (found === undefined) {
    throw new IntegrityError(
      'no-run',
      'expected run.json of this run, found none: OUT was deleted, moved or is not mounted here; files that shards in ' +
        'work have put in its place since belong to no run',
      { store: store.uri },
    );
  }
  if (found.runId === runId) return;
  throw otherRun(IntegrityError, store, runId, found.runId);
}

/** What was sound when the run began was damaged or forbidden since: nothing that another option would put right. */
async function readAgain(store: ObjectStore): Promise<RunFile | undefined> {
  try {
    return await readRunFile(store);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const found = error.code === 'not-readable' ? 'forbidden' : 'damaged';
    throw new IntegrityError(
      error.code,
      `expected run.json of this run, found it ${found}`,
      { store: store.uri },
      error,
    );
  }
}
