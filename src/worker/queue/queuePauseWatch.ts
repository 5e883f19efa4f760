/**
 * Notices that the queue itself is paused in Redis, by BullMQ or a board of it: no worker gets a shard then, and nothing
 * in OUT says so.
 */
import type { ShardQueue } from '../../shared/redis/queue.ts';

export interface QueuePauseWatch {
  /** Says it once a pause. */
  look(): Promise<void>;
}

export function createQueuePauseWatch(queue: ShardQueue, warn: (line: string) => void): QueuePauseWatch {
  let said = false;
  return {
    async look() {
      const paused = await queue.isPaused();
      if (paused && !said) {
        warn(
          `the queue of the run is paused in Redis, and not by \`posecast pause\` [queue=${queue.name}]: no worker gets a ` +
            'shard until it is resumed where it was paused (Resume in bull-board, `queue.resume()` of BullMQ)',
        );
      }
      said = paused;
    },
  };
}
