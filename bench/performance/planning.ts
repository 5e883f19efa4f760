/**
 * Planning a large corpus: 20 million invented faces (`--full`: 100 million) listed, planned and queued, while workers
 * that do nothing take the shards away. The memory of the process that plans, its rate, and what Redis holds.
 */
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { queueName, WORKER_OPTIONS } from '../../src/shared/redis/queue.ts';
import { absoluteRow, isQuick, printReport, say } from './report.ts';
import { withFolder } from './shared/folders.ts';
import { inOwnProcess } from './shared/ownProcess.ts';
import type { PlanningRequest, PlanningResult } from './shared/planningProcess.ts';
import { withBenchRedis } from './shared/timerWorker.ts';

const quick = isQuick();
const faces = quick ? 50_000 : process.argv.includes('--full') ? 100_000_000 : 20_000_000;
/** docs/performance.md: what a run holds in Redis at most while nothing fails, beside the server's own. */
const REDIS_MB = 5.9;
/** Shards that are taken at once; the next come when these are done. */
const TAKEN_AT_ONCE = 50;

async function usedMegabytes(redis: Redis, field: 'used_memory' | 'used_memory_peak'): Promise<number> {
  return Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(await redis.info('memory'))?.[1]) / 1e6;
}

const { result, redisMb } = await withFolder('disk', (folder) =>
  withBenchRedis(`${folder}/redis`, async ({ url, redis }) => {
    const before = await usedMegabytes(redis, 'used_memory');
    const worker = new Worker(queueName('planning'), async () => 'taken', {
      connection: redis,
      concurrency: TAKEN_AT_ONCE,
      ...WORKER_OPTIONS,
    });
    const file = new URL('./shared/planningProcess.js', import.meta.url);
    const request: PlanningRequest = { out: `${folder}/out`, redisUrl: url, faces };
    const planned = await inOwnProcess<PlanningResult>(file, request);
    await worker.close();
    return { result: planned, redisMb: (await usedMegabytes(redis, 'used_memory_peak')) - before };
  }),
);
const seconds = result.planSeconds + result.feedSeconds;
const millions = `${faces / 1e6} million faces`;
say(
  `${millions}: ${result.shards} shards, listed and planned in ${result.planSeconds.toFixed(1)} s, ` +
    `queued in ${result.feedSeconds.toFixed(1)} s; ${result.peakMegabytes.toFixed(0)} MB resident ` +
    `(${result.idleMegabytes.toFixed(0)} before), Redis ${redisMb.toFixed(1)} MB above its start`,
);

printReport({
  bench: 'planning',
  rows: [
    absoluteRow(
      {
        what: `listing, planning and queueing ${millions}: rate`,
        unit: 'faces/s',
        wanted: 200_000,
        atLeast: true,
      },
      [faces / seconds],
    ),
    absoluteRow({ what: 'the same: resident memory', unit: 'MB', wanted: 300, atLeast: false }, [
      result.peakMegabytes,
    ]),
    absoluteRow({ what: 'the same: Redis above its start', unit: 'MB', wanted: REDIS_MB, atLeast: false }, [
      redisMb,
    ]),
  ],
  skipped: faces < 100_000_000 ? ['100 million faces: npm run bench planning -- --full'] : [],
  constants: {
    faces,
    shards: result.shards,
    'listing, faces a second': faces / result.planSeconds,
    'queueing, shards a second': result.shards / result.feedSeconds,
    'listing bytes a face': result.listingBytes / faces,
    'plan bytes a shard': result.planBytes / result.shards,
    'planning memory, MB': result.peakMegabytes,
    'redis memory at most, MB': redisMb,
  },
});
