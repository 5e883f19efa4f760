/** What a run is doing, in one word. Pure: whoever asks has looked before. */
import type { QueueDepth } from '../shared/redis/queue.ts';

/**
 * - complete: every shard is committed and the manifest is in place
 * - paused: no new shard is taken, and no worker without OUT takes the run, until it is resumed
 * - finishing: every shard is committed, the manifest is not written yet
 * - failed: what is left has failed for good; submitting again tries it again
 * - running: a worker is alive
 * - waiting: there is work in the queue and nobody to do it
 * - not queued: shards are missing and the queue does not hold them, or the run was forgotten and nobody works on it: a
 *   worker that is given its OUT, or submitting again, goes on
 * - unknown: shards are missing, and no Redis was asked
 */
export type RunState =
  | 'complete'
  | 'finishing'
  | 'paused'
  | 'failed'
  | 'running'
  | 'waiting'
  | 'not queued'
  | 'unknown';

/** What the state of a run follows from. */
export interface RunFacts {
  /** Every shard is committed and the manifest is in place. */
  readonly finished: boolean;
  readonly paused: boolean;
  /** Undefined: no Redis was asked, or none answered. `listed`: workers without OUT find it. `workers`: alive. */
  readonly queue: (QueueDepth & { readonly listed: boolean; readonly workers: number }) | undefined;
  /** Missing shards with a note that they were given up. */
  readonly failures: number;
  /** Shards without a commit. */
  readonly missing: number;
}

export function stateOf({ finished, paused, queue, failures, missing }: RunFacts): RunState {
  if (finished) return 'complete';
  if (paused) return 'paused';
  if (missing === 0) return 'finishing';
  // By the notes in OUT, which outlive what a Redis remembers, or by Redis, where none could be written.
  const givenUp = Math.max(failures, queue?.failed ?? 0) >= missing;
  if (queue === undefined) return givenUp ? 'failed' : 'unknown';
  if (queue.waiting + queue.active + queue.delayed === 0) return givenUp ? 'failed' : 'not queued';
  if (queue.workers > 0) return 'running';
  // What is left of its queue ends by itself.
  return queue.listed ? 'waiting' : 'not queued';
}
