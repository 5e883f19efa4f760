/**
 * A store that does not answer for a while: waited for, as a Redis is. Without this an outage of minutes would use up the
 * attempts of every shard of the run. A store that answers, but not for one shard, is that shard's failure.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError, StoreUnusableError } from '../shared/errors.ts';
import { RUN_KEY } from '../shared/run/runKeys.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';

export interface StoreOutage {
  /** Looks whether the store is away after something failed; then it is watched until it is back. */
  isAway(error: unknown): Promise<boolean>;
  /** As of the last look. */
  readonly away: boolean;
  close(): void;
}

export interface StoreOutageOptions {
  readonly store: ObjectStore;
  /** Receives one line when the store goes and one when it is back. */
  readonly warn: (line: string) => void;
  readonly onChange: (away: boolean) => void;
  /** Only for tests. */
  readonly lookMs?: number;
}

/** A look that takes longer has failed: the client's own patience is minutes. */
const ANSWER_MS = 10_000;
const LOOK_MS = 5_000;

export function createStoreOutage(options: StoreOutageOptions): StoreOutage {
  const { store, warn, onChange, lookMs = LOOK_MS } = options;
  const closed = new AbortController();
  let away = false;

  /** Undefined: it answers. An OUT that refuses answers too. */
  async function failure(): Promise<unknown> {
    try {
      await store.head(RUN_KEY, AbortSignal.any([closed.signal, AbortSignal.timeout(ANSWER_MS)]));
      return undefined;
    } catch (error) {
      return error instanceof StoreUnusableError ? undefined : error;
    }
  }

  async function watch(): Promise<void> {
    while (!closed.signal.aborted) {
      await sleep(lookMs, undefined, { ref: false });
      if (closed.signal.aborted || (await failure()) !== undefined) continue;
      away = false;
      warn('OUT answers again');
      onChange(false);
      return;
    }
  }

  return {
    async isAway(error) {
      if (away) return true;
      if (error instanceof StoreUnusableError || (await failure()) === undefined) return false;
      if (away || closed.signal.aborted) return true;
      away = true;
      warn(`OUT does not answer, trying again (${describeError(error)})`);
      onChange(true);
      void watch();
      return true;
    },
    get away() {
      return away;
    },
    close: () => closed.abort(),
  };
}
