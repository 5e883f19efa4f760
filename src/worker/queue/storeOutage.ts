/**
 * A store that does not answer for a while, be it that of OUT or that of the corpus: waited for, as a Redis is. Without
 * this an outage of minutes would use up the attempts of every shard of the run. A store that answers, but not for one
 * shard, is that shard's failure.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CorpusSource } from '../../shared/corpus/corpusSource.ts';
import { describeError, StoreUnusableError } from '../../shared/errors.ts';
import { RUN_KEY } from '../../shared/run/runKeys.ts';
import type { ObjectStore } from '../../shared/store/objectStore.ts';

/** OUT, or where the photographs lie. */
export type StorePlace = 'out' | 'corpus';

export interface StoreOutage {
  /** Looks whether the store is away after something failed; then it is watched until it is back. */
  isAway(error: unknown): Promise<boolean>;
  /** Which one, as of the last look; undefined: both answer. */
  readonly away: StorePlace | undefined;
  close(): void;
}

export interface StoreOutageOptions {
  readonly store: ObjectStore;
  readonly corpus: Pick<CorpusSource, 'answers'>;
  /** Receives one line when the store goes and one when it is back. */
  readonly warn: (line: string) => void;
  readonly onChange: (away: boolean) => void;
  /** Only for tests. */
  readonly lookMs?: number;
}

const NAMES: Readonly<Record<StorePlace, string>> = { out: 'OUT', corpus: 'the corpus' };

/** A look that takes longer has failed: the client's own patience is minutes. */
const ANSWER_MS = 10_000;
const LOOK_MS = 5_000;

export function createStoreOutage(options: StoreOutageOptions): StoreOutage {
  const { store, corpus, warn, onChange, lookMs = LOOK_MS } = options;
  const closed = new AbortController();
  let away: StorePlace | undefined;

  /** Who does not answer; undefined: both do. One that refuses answers too. */
  async function silent(): Promise<StorePlace | undefined> {
    const asked = [
      ['out', (signal: AbortSignal) => store.head(RUN_KEY, signal)],
      ['corpus', (signal: AbortSignal) => corpus.answers?.(signal)],
    ] as const;
    for (const [place, ask] of asked) {
      try {
        await ask(AbortSignal.any([closed.signal, AbortSignal.timeout(ANSWER_MS)]));
      } catch (error) {
        if (!(error instanceof StoreUnusableError)) return place;
      }
    }
    return undefined;
  }

  async function watch(): Promise<void> {
    while (away !== undefined && !closed.signal.aborted) {
      await sleep(lookMs, undefined, { ref: false });
      if (closed.signal.aborted) return;
      const before = away;
      away = await silent();
      if (away !== undefined) continue;
      warn(`${NAMES[before]} answers again`);
      onChange(false);
      return;
    }
  }

  return {
    async isAway(error) {
      if (away !== undefined) return true;
      if (error instanceof StoreUnusableError) return false;
      const place = await silent();
      if (place === undefined) return false;
      if (away !== undefined || closed.signal.aborted) return true;
      away = place;
      warn(`${NAMES[place]} does not answer, trying again (${describeError(error)})`);
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
