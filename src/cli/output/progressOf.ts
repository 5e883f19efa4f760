/** How far a run is, for the live line: what is committed, and what this process has in work beside it. */
import { NO_PROGRESS, type ShardProgress } from '../../worker/queue/shardProgress.ts';
import type { RunProgress } from './liveLine.ts';

/**
 * A shard that is in work here may be committed elsewhere meanwhile, so that it is counted in both: never are there
 * more faces than the run has, and beside the last commit nothing is in work.
 */
export function progressOf(
  done: ShardProgress & { readonly shardsDone: number },
  inFlight: ShardProgress,
  extent: { readonly shards: number; readonly faces: number },
  paused: boolean,
): RunProgress {
  const beside = done.shardsDone < extent.shards ? inFlight : NO_PROGRESS;
  return {
    shardsDone: done.shardsDone,
    shardsTotal: extent.shards,
    faces: Math.min(done.faces + beside.faces, extent.faces),
    facesTotal: extent.faces,
    rejects: done.rejects + beside.rejects,
    variants: done.variants + beside.variants,
    ...(paused && { paused: true }),
  };
}
