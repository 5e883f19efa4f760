/** A real Redis with an append-only file that a test may kill and start again on the same port. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeRedis, connectRedis } from '../../src/shared/redis/redis.ts';
import { freePort } from '../helpers/freePort.ts';
import { startWatched, type WatchedProcess } from '../helpers/watchedProcess.ts';

export interface MortalRedis {
  readonly url: string;
  /** kill -9, and a new server on the same file after so many milliseconds. */
  killAndRestart(awayMs: number): Promise<void>;
  /** FLUSHALL. */
  empty(): Promise<void>;
}

export async function withMortalRedis<T>(run: (redis: MortalRedis) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'posecast-redis-'));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let server = await start(dir, port, url);
  let restarting: Promise<void> = Promise.resolve();
  try {
    return await run({
      url,
      killAndRestart(awayMs) {
        restarting = restarting.then(async () => {
          await server.stop();
          await sleep(awayMs);
          server = await start(dir, port, url);
        });
        return restarting;
      },
      async empty() {
        await restarting;
        const redis = await connectRedis(url);
        await redis.flushall();
        await closeRedis(redis);
      },
    });
  } finally {
    await restarting;
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function start(dir: string, port: number, url: string): Promise<WatchedProcess> {
  const settings = { port, bind: '127.0.0.1', dir, appendonly: 'yes', save: '', loglevel: 'warning' };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const server = startWatched('redis-server', args);
  while (true) {
    if (server.ended) throw new Error(`redis-server ended at once: ${server.output()}`);
    try {
      await closeRedis(await connectRedis(url));
      return server;
    } catch {
      await sleep(20);
    }
  }
}
