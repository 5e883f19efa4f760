/** Adds a generation to a run that may be finished, and so takes its `_SUCCESS` away. */
import { PosecastError } from '../errors.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { isFinished, successBody } from './committedShards.ts';
import { listGenerations } from './generations.ts';
import { SUCCESS_KEY } from './runKeys.ts';
import type { RunShards } from './runShards.ts';

/**
 * What `add` returns, with the run unfinished. When it fails, a run that was finished is finished again as before,
 * unless a generation has come all the same. `_SUCCESS` never stands beside a generation that is not done: a process
 * that dies on the way leaves a run that the command that started it finishes.
 * @param shards as they were when the generation was made.
 * @throws PosecastError, with the failure as its cause, when the run has to be finished again.
 */
export async function reopenRun<T>(
  store: ObjectStore,
  { generations: { length: before } }: RunShards,
  add: () => Promise<T>,
): Promise<T> {
  const wasFinished = await isFinished(store);
  try {
    // Before, so that no reader takes the run for finished when the generation is there; after, because another process
    // may have finished it in between.
    await store.delete(SUCCESS_KEY);
    const added = await add();
    await store.delete(SUCCESS_KEY);
    return added;
  } catch (error) {
    if (!wasFinished || (await finishAsBefore(store, before))) throw error;
    throw new PosecastError(
      'not-finished',
      'the run is not finished any more; the command that started it (posecast run or submit) finishes it again',
      { out: store.uri },
      error,
    );
  }
}

/** `before`: generations of the run that was finished. False: there are others, or the store cannot be used. */
async function finishAsBefore(store: ObjectStore, before: number): Promise<boolean> {
  try {
    if ((await listGenerations(store)).length !== before) return false;
    await store.put(SUCCESS_KEY, successBody(before));
    // A write that failed here may arrive late, and others add generations too.
    if (await isFinished(store)) return true;
    await store.delete(SUCCESS_KEY);
    return false;
  } catch {
    // Where nothing can be written, it may not have been taken away either.
    return isFinished(store).catch(() => false);
  }
}
