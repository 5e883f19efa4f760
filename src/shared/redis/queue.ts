/**
 * The queue of a run. Redis only dispatches; the commits in the store are the truth. One BullMQ queue a run, one
 * job a shard, the job's id a function of the shard, so that a shard is never queued twice.
 */
import { type Job, type JobsOptions, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { describeIssues } from '../config.ts';
import { PermanentShardError } from '../errors.ts';
import { type ShardSpec, shardSpecSchema } from '../shard.ts';

export type ShardQueue = Queue<ShardSpec, unknown, typeof SHARD_JOB>;

/** Name of every job. */
export const SHARD_JOB = 'shard';

/** Attempts of a shard before it is reported as failed. */
export const SHARD_ATTEMPTS = 3;

/** Before the second attempt, in milliseconds; twice as long before each further one. */
const BACKOFF_MS = 2_000;
/** Before the last attempt. */
export const LONGEST_BACKOFF_MS = BACKOFF_MS * 2 ** (SHARD_ATTEMPTS - 2);

const JOB_OPTIONS: JobsOptions = {
  attempts: SHARD_ATTEMPTS,
  backoff: { type: 'exponential', delay: BACKOFF_MS },
  removeOnComplete: { age: 3_600, count: 1_000 },
  // A failed shard stays until it is asked for again, so that it can be reported.
  removeOnFail: false,
  // Nobody reads them, and 100,000 failed shards would fill Redis with them.
  stackTraceLimit: 0,
};

/**
 * What every worker of this queue must be opened with. A killed worker's shard is handed out again after
 * `lockDuration` + `stalledInterval`; a shard may meet ten dying workers before it is given up.
 */
export const WORKER_OPTIONS = {
  lockDuration: 30_000,
  stalledInterval: 15_000,
  maxStalledCount: 10,
} as const;

/** Why a shard was given up that killed its workers; BullMQ says that it "stalled". */
export function crashReason(job: Pick<Job, 'stalledCounter'>): string | undefined {
  if (job.stalledCounter <= WORKER_OPTIONS.maxStalledCount) return undefined;
  return `${job.stalledCounter} worker processes died, lost a thread or lost their connection while it was in work`;
}

/**
 * KEYS: a job, its lock. ARGV: the token of the worker, how many deaths a shard may meet, the reason it is given up
 * for. Does nothing unless the worker still holds the job: in a Redis that was emptied meanwhile, HINCRBY would create
 * a job without data, and its id would keep the shard from ever being queued again.
 */
const COUNT_DEATH = `
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('GET', KEYS[2]) ~= ARGV[1] then return end
local deaths = redis.call('HINCRBY', KEYS[1], 'stc', 1)
if deaths > tonumber(ARGV[2]) then redis.call('HSET', KEYS[1], 'defa', ARGV[3]) end
`;

/**
 * Counts a shard that is still in work as one whose process died, as BullMQ does when a lock runs out: it runs alone
 * from now on, and whoever takes it after too many of them gives it up. `key`: of its job. Nothing happens when the
 * token does not hold the job any more.
 */
export async function countDeath(redis: Redis, key: string, token: string | undefined): Promise<void> {
  const most = WORKER_OPTIONS.maxStalledCount;
  await redis.eval(COUNT_DEATH, 2, key, `${key}:lock`, token ?? '', most, 'a thread of its worker died');
}

export function queueName(runId: string): string {
  return `posecast-${runId}`;
}

export function jobId(index: number): string {
  return `shard-${index}`;
}

/** The shard of a job by its id; undefined for an id that is none of ours: Redis is not believed. */
export function shardOfJob(id: string | undefined): number | undefined {
  const digits = /^shard-(\d{1,8})$/.exec(id ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Opens a run's queue on a client from `connectRedis`. Close it before the client. 'read' leaves nothing in Redis. */
export function openShardQueue(
  redis: Redis,
  runId: string,
  { access = 'write' }: { readonly access?: 'read' | 'write' } = {},
): ShardQueue {
  const queue: ShardQueue = new Queue(queueName(runId), {
    connection: redis,
    skipMetasUpdate: access === 'read',
    streams: { events: { maxLen: 1_000 } },
    defaultJobOptions: JOB_OPTIONS,
  });
  // Outages are reported once, by the client.
  queue.on('error', () => {});
  return queue;
}

/**
 * The shard a job asks for.
 * @throws PermanentShardError when the payload is not a shard of this version.
 */
export function parseShardJob(data: unknown): ShardSpec {
  const parsed = shardSpecSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new PermanentShardError('bad-job', `queue job is not a shard: ${describeIssues(parsed.error)}`);
}

/**
 * The shard of a job that was handed out.
 * @throws PermanentShardError when Redis has lost what the job asks for, or that is not a shard of this version.
 */
export function requireShardJob({ id, name, data }: HandedOutJob): ShardSpec {
  if (name !== undefined) return parseShardJob(data);
  throw new PermanentShardError('lost-job', `Redis has lost the job of shard ${shardOfJob(id) ?? id}`);
}

/** BullMQ also hands out a job whose hash is gone: one without a name, options and payload. */
type HandedOutJob = Pick<Job<unknown>, 'id' | 'data'> & { readonly name: string | undefined };

/** Jobs of a run by what they wait for. */
export interface QueueDepth {
  readonly waiting: number;
  readonly active: number;
  /** Waiting for another attempt. */
  readonly delayed: number;
  /** Given up. */
  readonly failed: number;
}

/**
 * Shards whose jobs were given up, the last one first. By their ids: the payload of a job that failed may be anything.
 */
export async function readFailedShards(queue: Queue): Promise<number[]> {
  const ids = await queue.getRanges(['failed'], 0, -1);
  return ids.map(shardOfJob).filter((shard) => shard !== undefined);
}

/** One request to Redis. */
export async function readQueueDepth(queue: Queue): Promise<QueueDepth> {
  const counts = await queue.getJobCounts('wait', 'prioritized', 'active', 'delayed', 'failed');
  return {
    waiting: (counts.wait ?? 0) + (counts.prioritized ?? 0),
    active: counts.active ?? 0,
    delayed: counts.delayed ?? 0,
    failed: counts.failed ?? 0,
  };
}

/** Changes whenever a job is given to the run's queue, be it one that the queue holds already. */
export async function jobsAdded(redis: Redis, runId: string): Promise<string | null> {
  return redis.get(`bull:${queueName(runId)}:id`);
}
