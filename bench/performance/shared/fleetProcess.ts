/**
 * A process of a simulated fleet: many workers, each with its own connections to Redis, its own timer for models, and
 * its own looks at the run, as `posecast work` has. Only the store client and the thread that encodes tables are
 * shared, so that one machine can hold them.
 */
import { openShardQueue } from '../../../src/shared/redis/queue.ts';
import { closeRedis, connectRedis } from '../../../src/shared/redis/redis.ts';
import { claimFinish } from '../../../src/shared/redis/runClaims.ts';
import { readProgress } from '../../../src/shared/redis/runProgress.ts';
import { requireRunFile } from '../../../src/shared/run/runFile.ts';
import { openStore } from '../../../src/shared/store/openStore.ts';
import { waitForRunEnd } from '../../../src/worker/runEnd.ts';
import { openTableWriter } from '../../../src/worker/tables/tableWriter.ts';
import { startRunWorker } from '../../../src/worker/work.ts';
import { type Interval, openTimerModels } from './timerModels.ts';
import { timerContext } from './timerRun.ts';

export interface FleetProcessRequest {
  readonly out: string;
  readonly redisUrl: string;
  readonly workers: number;
  readonly msPerFace: number;
}

/** What the parent says, in this order. */
export type FleetOrder = 'go' | 'stop';

export type FleetReport =
  | { readonly kind: 'ready' }
  /** Times in milliseconds since 1970. */
  | {
      readonly kind: 'done';
      readonly workers: readonly { readonly busy: readonly Interval[]; readonly longestBlockMs: number }[];
      readonly cpuSeconds: number;
      readonly warnings: readonly string[];
    };

/** Connections are opened this many at a time: each begins with a look at the server. */
const AT_ONCE = 10;
/** How often a worker looks at the run, as `posecast work` does. */
const LOOK_MS = 1_000;

const { out, redisUrl, workers: count, msPerFace } = JSON.parse(process.argv[2] ?? '') as FleetProcessRequest;
const store = await openStore(out);
const run = await requireRunFile(store);
const tableWriter = await openTableWriter();
const warnings: string[] = [];

async function startWorker() {
  const redis = await connectRedis(redisUrl, { warn: (line) => warnings.push(line) });
  const models = openTimerModels({ msPerFace, dim: run.embeddingDim });
  const worker = startRunWorker({
    redis,
    context: timerContext(run, store, models, tableWriter),
    paused: true,
    warn: (line) => warnings.push(line),
  });
  return { redis, models, worker, queue: openShardQueue(redis, run.runId), ended: new AbortController() };
}

const workers: Awaited<ReturnType<typeof startWorker>>[] = [];
while (workers.length < count) {
  const some = Array.from({ length: Math.min(AT_ONCE, count - workers.length) }, startWorker);
  workers.push(...(await Promise.all(some)));
}

function report(message: FleetReport): void {
  process.send?.(message);
}

async function look({ redis, queue, ended }: (typeof workers)[number]): Promise<void> {
  const onLook = async () => void (await readProgress(redis, run.runId));
  const claim = () => claimFinish(redis, run.runId);
  await waitForRunEnd({
    redis,
    queue,
    store,
    run,
    signal: ended.signal,
    onLook,
    claimFinish: claim,
    pollMs: LOOK_MS,
  });
}

let cpu = process.cpuUsage();
process.on('message', async (order: FleetOrder) => {
  if (order === 'go') {
    cpu = process.cpuUsage();
    for (const one of workers) {
      one.worker.setPaused(false);
      look(one).catch((error: unknown) => {
        if (!one.ended.signal.aborted) warnings.push(String(error));
      });
    }
    return;
  }
  const { user, system } = process.cpuUsage(cpu);
  for (const { ended } of workers) ended.abort();
  const { timeOrigin } = performance;
  report({
    kind: 'done',
    workers: workers.map(({ models, worker }) => ({
      busy: models.busy.map(({ start, end }) => ({ start: timeOrigin + start, end: timeOrigin + end })),
      longestBlockMs: worker.longestBlockMs(),
    })),
    cpuSeconds: (user + system) / 1e6,
    warnings,
  });
  for (const { worker, queue, redis } of workers) {
    await worker.close();
    await queue.close();
    await closeRedis(redis);
  }
  await tableWriter.close();
  await store.close();
  process.disconnect();
});
report({ kind: 'ready' });
