/**
 * A real Redis with an append-only file that a test may kill and start again on the same port. It never outlives the
 * test: a watchdog waits for the end of its standard input.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeRedis, connectRedis } from '../../src/shared/redis.ts';

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
          await stop(server);
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
    await stop(server);
    await rm(dir, { recursive: true, force: true });
  }
}

async function start(dir: string, port: number, url: string): Promise<ChildProcess> {
  const settings = { port, bind: '127.0.0.1', dir, appendonly: 'yes', save: '""', loglevel: 'warning' };
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
  const server = spawn('redis-server', ['-'], { stdio: ['pipe', 'ignore', 'inherit'] });
  server.stdin.end(`${lines.join('\n')}\n`);
  const watchdog = spawn('/bin/sh', ['-c', 'read -r _; kill -9 "$0"', String(server.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.unref();
  server.on('exit', () => watchdog.kill('SIGKILL'));
  while (true) {
    if (server.exitCode !== null) throw new Error(`redis-server ended at once [code=${server.exitCode}]`);
    try {
      await closeRedis(await connectRedis(url));
      return server;
    } catch {
      await sleep(20);
    }
  }
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGKILL');
  await ended;
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
