/**
 * What can be done from the page, when it was started with --allow-actions: the same as by the commands of that name.
 */
import { hostname } from 'node:os';
import { queueRetry } from '../producer/queueRetry.ts';
import { chooseRetries, retryShards, STARTING_COMMAND } from '../producer/retryFailed.ts';
import { unlessAborted } from '../shared/async/unlessAborted.ts';
import { ConfigError, describeError } from '../shared/errors.ts';
import { openShardQueue } from '../shared/redis/queue.ts';
import { refuseCopy } from '../shared/redis/refuseCopy.ts';
import { otherRun } from '../shared/run/otherRun.ts';
import { pauseRun, resumeRun } from '../shared/run/pause.ts';
import { type RunFile, requireRunFile } from '../shared/run/runFile.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import type { Board } from './board.ts';

export type Action = 'pause' | 'resume' | 'retry-failed';

/** Returns what a person has to know of what was done, if anything. */
export async function runAction(
  action: Action,
  run: RunFile,
  store: ObjectStore,
  { link, s3 }: Pick<Board, 'link' | 's3'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { runId } = run;
  const { runId: found } = await requireRunFile(store);
  if (found !== runId) throw otherRun(ConfigError, store, runId, found);
  switch (action) {
    case 'pause':
      await pauseRun(store, { runId, since: new Date().toISOString(), host: hostname() });
      return;
    case 'resume':
      await resumeRun(store, runId);
      return;
    case 'retry-failed': {
      // Without a Redis that answers, whoever feeds the run finds them in OUT.
      const redis = (await link?.answers()) ? link?.redis : undefined;
      if (redis !== undefined) await unlessAborted(refuseCopy(redis, store, s3), signal);
      const choice = await chooseRetries(run, store, null, signal);
      if (choice.failed.length === 0) return;
      const asked = { codes: null, createdAt: new Date().toISOString() };
      const generation = await retryShards(run, store, choice, asked);
      if (redis === undefined) return;
      const queue = openShardQueue(redis, runId);
      try {
        await queueRetry(run, store, generation, choice, { redis, queue, signal });
      } catch (error) {
        return (
          `taken up again as generation ${generation.generation}; ` +
          `could not be queued: ${describeError(error)}; to go on: ${STARTING_COMMAND}`
        );
      } finally {
        await queue.close();
      }
      return;
    }
  }
}
