/** A real Redis for one test: fresh, on a free port, gone afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { closeRedis, connectRedis } from '../../../src/shared/redis/redis.ts';
import { type RedisServer, startOwnRedis } from '../../../src/shared/redis/redisServer.ts';

export interface TestRedis {
  readonly url: string;
  /** A client of this server, closed after the test. */
  readonly redis: Redis;
  readonly server: RedisServer;
}

/** Runs `body` with a fresh server and a client of it. */
export async function withRedis<T>(body: (service: TestRedis) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'posecast-redis-'));
  const server = await startOwnRedis({ dir });
  try {
    const redis = await connectRedis(server.url);
    try {
      return await body({ url: server.url, redis, server });
    } finally {
      await closeRedis(redis);
    }
  } finally {
    await server.close();
    await rm(dir, { recursive: true, force: true });
  }
}
