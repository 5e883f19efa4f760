/**
 * Loaded into a posecast process by NODE_OPTIONS=--import: a killed worker's shard is handed out again, and an emptied
 * queue fed again, after seconds instead of three quarters of a minute. The product knows nothing of it. Under load
 * such locks are lost by living workers, too: shards are done by two at once more often than in life.
 */
import { isMainThread } from 'node:worker_threads';

if (isMainThread && process.argv[1]?.endsWith('posecast.js')) {
  const { WORKER_OPTIONS } = await import('../../src/shared/redis/queue.ts');
  const { EMPTY_QUEUE } = await import('../../src/worker/queue/emptyQueueWatch.ts');
  Object.assign(WORKER_OPTIONS, { lockDuration: 3_000, stalledInterval: 1_500 });
  Object.assign(EMPTY_QUEUE, { waitMs: 3_000 });
}
