/**
 * A real Redis that a test may stop, freeze and start again on the same port and file. A watchdog takes it along when
 * the test dies.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeRedis, connectRedis } from '../../src/shared/redis/redis.ts';

export interface RedisOnPort {
  readonly url: string;
  /** kill -9. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Keeps connections open and answers nothing. */
  freeze(): void;
  thaw(): void;
}

export async function withRedisOnPort<T>(run: (redis: RedisOnPort) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'posecast-redis-'));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let server: ChildProcess | undefined;
  const kill = async () => {
    if (server === undefined) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    server = undefined;
    await ended;
  };
  const start = async () => {
    const settings = { port, bind: '127.0.0.1', dir, appendonly: 'yes', save: '', loglevel: 'warning' };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const started = spawn('redis-server', args, { stdio: 'ignore' });
    const watchdog = spawn('/bin/sh', ['-c', 'read -r _; kill -9 "$0"', String(started.pid)], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    watchdog.unref();
    started.on('exit', () => watchdog.kill('SIGKILL'));
    server = started;
    for (let tries = 0; ; tries++) {
      try {
        return await closeRedis(await connectRedis(url));
      } catch (error) {
        if (tries > 500 || started.exitCode !== null) throw error;
        await sleep(20);
      }
    }
  };
  try {
    await start();
    return await run({
      url,
      kill,
      start,
      freeze: () => void server?.kill('SIGSTOP'),
      thaw: () => void server?.kill('SIGCONT'),
    });
  } finally {
    await kill();
    await rm(dir, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
