/**
 * The metrics of all queues of a Redis, asked for when Prometheus or a scaler asks, by one process for the whole fleet:
 * workers that scale to zero cannot say that there is work for them, and a hundred of them need not count the same
 * jobs.
 */
import type { Redis } from 'ioredis';
import { Gauge, Registry } from 'prom-client';
import { removeSilentWorkers } from '../shared/redis/liveWorkers.ts';
import { openShardQueue, type QueueDepth, readQueueDepth, type ShardQueue } from '../shared/redis/queue.ts';
import { listRuns, type RunEntry } from '../shared/redis/runList.ts';
import { readProgress } from '../shared/redis/runProgress.ts';

export interface QueueMetrics {
  /** Prometheus's text format; also when Redis does not answer. */
  text(): Promise<string>;
  /** Jobs of all runs together. Rejects when Redis does not answer. */
  pending(): Promise<PendingWork>;
  readonly registry: Registry;
  close(): Promise<void>;
}

export interface PendingWork extends QueueDepth {
  /**
   * Shards that need a worker, now or later: waiting, in work, or waiting for another attempt. A run with none of these
   * counts as one unless every shard that it lacks has failed: nobody did its last step, or queued what is missing.
   */
  readonly pending: number;
  readonly runs: number;
}

interface RunInQueue {
  readonly run: RunEntry;
  readonly depth: QueueDepth;
  readonly shardsDone: number;
  readonly workers: number;
}

/** Runs shown one by one, the oldest first; more of them are only in the sums. */
const MAX_RUNS = 100;
/** Prometheus gives up after 10 s. */
const ANSWER_MS = 3_000;

export function createQueueMetrics(redis: Redis): QueueMetrics {
  const registry = new Registry();
  const registers = [registry];
  const gauge = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge({ name, help, labelNames, registers });
  const connected = gauge('posecast_redis_connected', '1 while there is a connection to Redis.');
  const runs = gauge('posecast_runs', 'Runs that are queued and not finished.');
  const jobs = gauge('posecast_queue_jobs', 'Shards in the queue of a run.', ['run', 'state']);
  const shards = gauge('posecast_run_shards', 'Shards of a run.', ['run']);
  const done = gauge('posecast_run_shards_done', 'Committed shards of a run, as far as Redis knows.', [
    'run',
  ]);
  const workers = gauge('posecast_run_workers', 'Workers of a run that were heard of in the last 30 s.', [
    'run',
  ]);
  const queues = new Map<string, ShardQueue>();

  async function look(): Promise<RunInQueue[]> {
    const found = await listRuns(redis);
    const known = new Set(found.map(({ runId }) => runId));
    for (const [runId, queue] of queues) {
      if (known.has(runId)) continue;
      queues.delete(runId);
      await queue.close();
    }
    return Promise.all(
      found.map(async (run) => {
        const queue = queues.get(run.runId) ?? openShardQueue(redis, run.runId, { access: 'read' });
        queues.set(run.runId, queue);
        const [depth, { shardsDone }, alive] = await Promise.all([
          readQueueDepth(queue),
          readProgress(redis, run.runId),
          removeSilentWorkers(redis, run.runId),
        ]);
        return { run, depth, shardsDone, workers: alive.length };
      }),
    );
  }

  let looking: Promise<RunInQueue[]> | undefined;
  /** Those who ask at the same time share the answer: a Redis that is away must not collect questions. */
  async function lookOnce(): Promise<RunInQueue[]> {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return soon(looking);
  }

  return {
    registry,
    async text() {
      const found = await lookOnce().catch(() => undefined);
      connected.set(Number(found !== undefined && redis.status === 'ready'));
      for (const each of [runs, jobs, shards, done, workers]) each.reset();
      if (found === undefined) {
        runs.remove();
        return registry.metrics();
      }
      runs.set(found.length);
      for (const { run, depth, shardsDone, workers: alive } of found.slice(0, MAX_RUNS)) {
        const { runId } = run;
        for (const [state, number] of Object.entries(depth)) jobs.set({ run: runId, state }, number);
        shards.set({ run: runId }, run.shards);
        done.set({ run: runId }, shardsDone);
        workers.set({ run: runId }, alive);
      }
      return registry.metrics();
    },
    async pending() {
      const found = await lookOnce();
      const sum = (of: (depth: QueueDepth) => number) => found.reduce((all, { depth }) => all + of(depth), 0);
      return {
        pending: found.reduce((all, run) => all + pendingShards(run), 0),
        waiting: sum(({ waiting }) => waiting),
        active: sum(({ active }) => active),
        delayed: sum(({ delayed }) => delayed),
        failed: sum(({ failed }) => failed),
        runs: found.length,
      };
    },
    async close() {
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}

function pendingShards({ run, depth, shardsDone }: RunInQueue): number {
  const { waiting, active, delayed, failed } = depth;
  const missing = run.shards - shardsDone;
  // A job that failed may be of a shard that another attempt has committed.
  const hasFailed = missing > 0 && failed >= missing;
  return waiting + active + delayed || Number(!hasFailed);
}

async function soon<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer from Redis within ${ANSWER_MS / 1_000} s`)),
      ANSWER_MS,
    );
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
