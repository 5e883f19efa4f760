/**
 * Feeds a queue again that stays empty though shards are missing: Redis was emptied, or lost what it had not written
 * down when it died, or whoever fed the queue is dead. Nobody has to notice it in the night.
 */
import { ConfigError, IntegrityError } from '../../shared/errors.ts';

/**
 * How long the queue is empty first: whoever feeds it may be reading a long plan. An object, so that tests are short.
 */
export const EMPTY_QUEUE = { waitMs: 30_000 };

export interface EmptyQueueWatch {
  /** Something waits or is in work. */
  sawWork(): void;
  /**
   * Nothing does, and shards are missing that have not failed.
   * @throws IntegrityError or ConfigError, once, when feeding has met it: of this run nothing more can be queued.
   */
  sawNone(): void;
  close(): void;
}

/** @param feed queues what is missing, until it is told to stop. */
export function openEmptyQueueWatch(feed: (signal: AbortSignal) => Promise<unknown>): EmptyQueueWatch {
  const closed = new AbortController();
  let since: number | undefined;
  let feeding = false;
  let refused: IntegrityError | ConfigError | undefined;
  const feedNow = async (): Promise<void> => {
    feeding = true;
    try {
      await feed(closed.signal);
    } catch (error) {
      if (error instanceof IntegrityError || error instanceof ConfigError) refused = error;
      // Others are tried again while the queue stays empty: a store that stays away is reported by those who look for
      // commits.
    } finally {
      feeding = false;
      since = undefined;
    }
  };
  return {
    sawWork() {
      since = undefined;
      // A part of the plan was queued; the rest is asked for again when that is done.
      refused = undefined;
    },
    sawNone() {
      const error = refused;
      refused = undefined;
      if (error !== undefined) throw error;
      since ??= performance.now();
      // Not waited for: with a long plan, feeding takes as long as the run.
      if (!feeding && performance.now() - since >= EMPTY_QUEUE.waitMs) void feedNow();
    },
    close: () => closed.abort(),
  };
}
