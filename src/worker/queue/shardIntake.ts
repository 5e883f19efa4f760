/**
 * Whether shards are taken from the queue: not while the run is paused or a store is away, and never again after an
 * end.
 */
import type { Say } from '../../shared/text/logFields.ts';
import type { ShardContext } from '../shardContext.ts';
import type { ShardWorker } from './shardWorker.ts';
import { createStoreOutage, type StorePlace } from './storeOutage.ts';

export interface ShardIntake {
  /** False: a shard that was asked for before is to be handed back. */
  isOpen(): boolean;
  setPaused(paused: boolean): void;
  /** Whether the store is what failed; then it is watched, and no shard is taken before it is back. */
  isStoreAway(error: unknown): Promise<boolean>;
  /** Undefined: both answer. */
  storeAway(): StorePlace | undefined;
  /** For good. */
  takeNoMore(): void;
  /** Of a worker that is about to be closed itself. */
  close(): void;
}

export interface ShardIntakeOptions {
  readonly worker: ShardWorker;
  /** At the start. */
  readonly paused: boolean;
  readonly context: Pick<ShardContext, 'store' | 'corpus'>;
  readonly warn: Say;
}

export function createShardIntake(options: ShardIntakeOptions): ShardIntake {
  const { worker, context, warn } = options;
  let { paused } = options;
  let takesNoMore = false;
  const takeOrWait = (): void => {
    if (takesNoMore) return;
    // `true`: without waiting for the shards in work.
    if (paused || outage.away !== undefined) void worker.pause(true);
    else void worker.resume();
  };
  const outage = createStoreOutage({
    store: context.store,
    corpus: context.corpus,
    warn,
    onChange: takeOrWait,
  });
  return {
    isOpen: () => !takesNoMore && !worker.isPaused(),
    setPaused(asked) {
      paused = asked;
      takeOrWait();
    },
    isStoreAway: (error) => outage.isAway(error),
    storeAway: () => outage.away,
    takeNoMore() {
      takesNoMore = true;
      void worker.pause(true);
    },
    close() {
      takesNoMore = true;
      outage.close();
    },
  };
}
