/** Lets a producer know that its run has been forgotten: without workers it would stand still and say nothing. */
import type { Redis } from 'ioredis';
import { PosecastError } from '../shared/errors.ts';
import { isForgotten } from '../shared/redis/runList.ts';

export interface ForgottenWatch {
  /** Aborted, with an error that says so, when somebody forgets the run. */
  readonly signal: AbortSignal;
  close(): void;
}

/** Between two looks, in milliseconds. */
const LOOK_EVERY_MS = 1_000;

export function openForgottenWatch(redis: Redis, runId: string): ForgottenWatch {
  const forgotten = new AbortController();
  let looking = false;
  const look = async () => {
    // A Redis that is away answers when it is back.
    if (looking) return;
    looking = true;
    try {
      if (await isForgotten(redis, runId)) {
        forgotten.abort(
          new PosecastError(
            'forgotten',
            `submit: expected run ${runId} on the list of Redis, found it taken off by posecast forget; ` +
              'the same command takes it up again',
          ),
        );
      }
    } catch {
      // Others say what is wrong with Redis; the next look may succeed.
    } finally {
      looking = false;
    }
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  return { signal: forgotten.signal, close: () => clearInterval(timer) };
}
