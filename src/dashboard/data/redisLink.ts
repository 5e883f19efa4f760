/** The Redis of the shown runs. It may be away when the page starts, and go away at any time: then less is shown. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { readWorkers, WORKER_ALIVE_MS } from '../../shared/redis/liveWorkers.ts';
import {
  openShardQueue,
  type QueueDepth,
  readFailedShards,
  readQueueDepth,
  type ShardQueue,
  shardOfJob,
} from '../../shared/redis/queue.ts';
import { closeRedis, connectRedis, parseRedisUrl } from '../../shared/redis/redis.ts';
import { isListed } from '../../shared/redis/runList.ts';

/** Between two attempts to reach a Redis that has not answered yet, in milliseconds. */
const RETRY_MS = 5_000;

/** An answer that takes longer counts as none. */
const ANSWER_MS = 2_000;

/** Shards in work that are known by number; and of those that have been for longest, also since when. */
const KNOWN_ACTIVE = 20_000;
const TIMED_ACTIVE = 100;

export interface SeenWorker {
  readonly host: string;
  readonly pid: number;
  readonly device: string;
  readonly silentMs: number;
  readonly alive: boolean;
}

export interface QueueView extends Omit<QueueDepth, 'failed'> {
  /** Shards that were given up. */
  readonly failed: readonly number[];
  /** Workers without OUT find the run. */
  readonly listed: boolean;
  /** Those heard of last first. */
  readonly workers: readonly SeenWorker[];
  /** Shards in work. `since`: milliseconds since 1970, by the worker; of those that have been for longest. */
  readonly inWork: readonly { readonly shard: number; readonly since: number | undefined }[];
}

export interface RedisLink {
  /** host:port, for people; never a password. */
  readonly label: string;
  /** The client while it answers. */
  readonly redis: Redis | undefined;
  /** To look at; nothing is put into it. */
  queue(runId: string): ShardQueue | undefined;
  /** Whether it answers now. A connection may stand while nobody is at its other end. */
  answers(): Promise<boolean>;
  /** What Redis says of a run; undefined when it does not answer. */
  look(runId: string): Promise<QueueView | undefined>;
  close(): Promise<void>;
}

/**
 * Returns when Redis answers, or when it has been found away once.
 * @throws ConfigError for an URL that is none.
 */
export async function openRedisLink(url: string, warn: (line: string) => void): Promise<RedisLink> {
  const { label } = parseRedisUrl(url);
  const closing = new AbortController();
  const queues = new Map<string, ShardQueue>();
  let client: Redis | undefined;
  let told = false;

  async function connect(): Promise<void> {
    try {
      const redis = await connectRedis(url, { warn });
      if (closing.signal.aborted) await closeRedis(redis);
      else client = redis;
      if (told) warn(`redis ${label}: connected`);
    } catch (error) {
      if (!told)
        warn(`queue and workers are not shown yet: ${error instanceof Error ? error.message : error}`);
      told = true;
    }
  }
  async function keepTrying(): Promise<void> {
    while (client === undefined && !closing.signal.aborted) {
      await sleep(RETRY_MS, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
      if (!closing.signal.aborted) await connect();
    }
  }
  await connect();
  const trying = keepTrying();

  const link: RedisLink = {
    label,
    get redis() {
      return client?.status === 'ready' ? client : undefined;
    },
    queue(runId) {
      if (client === undefined) return undefined;
      const opened = queues.get(runId) ?? openShardQueue(client, runId, { access: 'read' });
      queues.set(runId, opened);
      return opened;
    },
    async answers() {
      return link.redis !== undefined && (await inTime(link.redis.ping())) !== undefined;
    },
    async look(runId) {
      const { redis } = link;
      const queue = link.queue(runId);
      return redis && queue && inTime(lookAt(runId, redis, queue));
    },
    async close() {
      closing.abort();
      await trying;
      for (const queue of queues.values()) await queue.close();
      if (client !== undefined) await closeRedis(client);
    },
  };
  return link;
}

/** Undefined: no answer, or none in time. */
async function inTime<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await Promise.race([answer, sleep(ANSWER_MS, undefined, { ref: false })]);
  } catch {
    return undefined;
  }
}

async function lookAt(runId: string, redis: Redis, queue: ShardQueue): Promise<QueueView> {
  const [depth, active, longest, failed, listed, heard] = await Promise.all([
    readQueueDepth(queue),
    queue.getRanges(['active'], 0, KNOWN_ACTIVE - 1, true),
    queue.getJobs(['active'], 0, TIMED_ACTIVE - 1, true),
    readFailedShards(queue),
    isListed(redis, runId),
    readWorkers(redis, runId),
  ]);
  const since = new Map(longest.map((job) => [job.id, job.processedOn]));
  const inWork = active.flatMap((id) => {
    // Redis is not believed: whoever can write to it must not be able to break the page.
    const shard = shardOfJob(id);
    return shard === undefined ? [] : [{ shard, since: since.get(id) }];
  });
  return {
    ...depth,
    failed,
    listed,
    workers: heard
      .map(({ host, pid, device, silentMs }) => ({
        host,
        pid,
        device,
        silentMs,
        alive: silentMs <= WORKER_ALIVE_MS,
      }))
      .sort((a, b) => a.silentMs - b.silentMs),
    inWork,
  };
}
