/** The Redis of a run on this machine: one that others use too, or one of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import type { Releasers } from '../shared/async/releasers.ts';
import { PosecastError } from '../shared/errors.ts';
import { closeRedis, connectRedis } from '../shared/redis/redis.ts';
import { startOwnRedis } from '../shared/redis/redisServer.ts';
import { type Say, warnings } from '../shared/text/logFields.ts';
import { REDIS_FOLDER, sweepRedisFolders } from './sweepRedisFolders.ts';

export interface RunRedis {
  readonly redis: Redis;
  /** Rejects when the server is gone for good. */
  readonly lost: Promise<never>;
}

/** A Redis that others use too: when it is away, the run waits for its return. */
export async function sharedRedis(url: string, note: Say, releasers: Releasers): Promise<RunRedis> {
  const redis = await connectRedis(url, { warn: warnings(note) });
  releasers.push('redis connection', () => closeRedis(redis));
  return { redis, lost: new Promise(() => {}) };
}

/** A Redis for this run alone; nothing in it has to survive, since the commits are in the store. */
export async function ownRedis(note: Say, releasers: Releasers): Promise<RunRedis> {
  await sweepRedisFolders(tmpdir());
  const dir = await mkdtemp(join(tmpdir(), REDIS_FOLDER));
  releasers.push('redis folder', () => rm(dir, { recursive: true, force: true }));
  const server = await startOwnRedis({ dir });
  releasers.push('redis', () => server.close());
  const { redis } = await sharedRedis(server.url, note, releasers);
  const lost = server.died.then((reason) => {
    throw new PosecastError('redis-died', "the run's own redis-server has ended; the same command resumes", {
      how: reason.slice(0, 80),
    });
  });
  // It may end before anybody listens; whoever listens then still hears it.
  lost.catch(() => {});
  return { redis, lost };
}
