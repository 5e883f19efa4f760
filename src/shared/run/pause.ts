/**
 * paused.json: while it is there, no worker takes a new shard of the run. It lies in OUT and not in Redis, so that a
 * pause outlives restarts of workers and of Redis, and a Redis that was emptied.
 */
import { z } from 'zod';
import { ConfigError, IntegrityError } from '../errors.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { isFinished } from './committedShards.ts';
import { jsonFile, parseJsonFile } from './parseFile.ts';
import { PAUSE_KEY } from './runKeys.ts';

const pauseSchema = z.strictObject({
  schemaVersion: z.literal(1),
  runId: z.string().min(1),
  /** ISO 8601. */
  since: z.iso.datetime(),
  /** Who asked for it: name of the machine. */
  host: z.string(),
});

export type Pause = z.infer<typeof pauseSchema>;

/** The run's pause, or undefined when it may be worked on. Throws IntegrityError. */
export async function readPause(store: ObjectStore, runId: string): Promise<Pause | undefined> {
  const bytes = await store.get(PAUSE_KEY);
  const pause = bytes && parseJsonFile(pauseSchema, bytes, PAUSE_KEY);
  return pause?.runId === runId ? pause : undefined;
}

/**
 * Pauses a run; one that is paused keeps its first pause, which is returned. One that cannot be read is replaced.
 *
 * @throws ConfigError when it is complete: nothing of it is left to be held.
 */
export async function pauseRun(store: ObjectStore, asked: Omit<Pause, 'schemaVersion'>): Promise<Pause> {
  if (await isFinished(store)) {
    throw new ConfigError('finished', 'pause: expected an unfinished run, this one is complete', {
      runId: asked.runId,
      out: store.uri,
    });
  }
  const before = await readOrDamaged(store, asked.runId);
  if (before !== undefined && before !== 'damaged') return before;
  const pause: Pause = { schemaVersion: 1, ...asked };
  await store.put(PAUSE_KEY, jsonFile(pause));
  return pause;
}

/** Lifts a pause, also one that cannot be read; false: there was none. */
export async function resumeRun(store: ObjectStore, runId: string): Promise<boolean> {
  if ((await readOrDamaged(store, runId)) === undefined) return false;
  await store.delete(PAUSE_KEY);
  return true;
}

/** Whose a damaged one was is not to be known any more: it is taken for the run's, since nothing else would lift it. */
async function readOrDamaged(store: ObjectStore, runId: string): Promise<Pause | 'damaged' | undefined> {
  try {
    return await readPause(store, runId);
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    return 'damaged';
  }
}
