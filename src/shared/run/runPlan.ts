/** What a job of the queue is held to: the plan in the store, with the numbers that generations gave its shards. */
import { openPlan } from '../listing.ts';
import type { ShardSpec } from '../shard.ts';
import type { ObjectStore } from '../store/objectStore.ts';
import { type RunShards, readRunShards } from './generations.ts';
import type { RunFile } from './runFile.ts';

export interface RunPlan {
  /**
   * The shard with this number; 'replaced' when a generation does it again under another number; undefined when there
   * is none. Throws IntegrityError when plan or generations are not there or cannot be read.
   */
  shard(index: number): Promise<ShardSpec | 'replaced' | undefined>;
}

/** Nothing is read before the first question. */
export function openRunPlan(store: ObjectStore, run: Pick<RunFile, 'runId' | 'shards'>): RunPlan {
  const plan = openPlan(store, run.runId);
  let known: RunShards | undefined;
  return {
    async shard(index) {
      // A number that was not given out before may be a newer generation's.
      if (known === undefined || index >= known.numbers) known = await readRunShards(store, run);
      const place = known.placeOf(index);
      if (place === undefined) return index < known.numbers ? 'replaced' : undefined;
      const spec = await plan.shard(place);
      return spec && { ...spec, index };
    },
  };
}
