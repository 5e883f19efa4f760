/**
 * A Redis of our own: a child process on a free loopback port, for runs on one machine and for tests. It never
 * outlives its owner: a watchdog stops it when the owner dies without closing it, kill -9 included.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ConfigError, describeError, PosecastError } from '../errors.ts';
import { endWithOwner } from '../machine/endWithOwner.ts';
import { isAlive } from '../machine/isAlive.ts';
import { pidSpace } from '../machine/pidSpace.ts';
import { parseJson } from '../parseJson.ts';
import { closeRedis, connectRedis } from './redis.ts';

/** From start to the first answer. */
const START_MS = 10_000;

/** From SIGTERM to SIGKILL: time for the append-only file to reach the disk. */
const STOP_MS = 5_000;

/** A port that was free a moment ago may be taken. */
const PORT_ATTEMPTS = 5;

/** The note in a folder: whose it is, and which server uses it. */
export const OWNER_FILE = 'posecast-redis.json';

const ownerSchema = z.object({
  ownerPid: z.number(),
  redisPid: z.number(),
  port: z.number(),
  /** Where the two numbers are valid. */
  pidSpace: z.string().optional(),
});

export interface RedisServer {
  readonly url: string;
  readonly pid: number;
  /** Resolves with a sentence when the server ends without `close`. */
  readonly died: Promise<string>;
  /** Stops the server and its watchdog; data stay in the folder. */
  close(): Promise<void>;
}

export interface OwnRedisOptions {
  /** Absolute folder for the data; made if absent. One server at a time. */
  readonly dir: string;
  /** Only for tests: another program than the redis-server of PATH. */
  readonly program?: string;
}

/**
 * Starts a server that keeps what it was told (append-only file, flushed every second) and evicts nothing.
 * @throws ConfigError when there is no redis-server, or when a living process uses the folder.
 */
export async function startOwnRedis(options: OwnRedisOptions): Promise<RedisServer> {
  const { dir, program = 'redis-server' } = options;
  await mkdir(dir, { recursive: true });
  await endLeftover(dir);
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const started = await start(program, dir, port);
    if (typeof started !== 'string') return started;
    if (attempt === PORT_ATTEMPTS) {
      throw new PosecastError('redis-start', 'redis-server does not start', { dir, found: started });
    }
  }
}

async function start(program: string, dir: string, port: number): Promise<RedisServer | string> {
  const settings = {
    port,
    bind: '127.0.0.1',
    dir,
    daemonize: 'no',
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '',
    'maxmemory-policy': 'noeviction',
    loglevel: 'warning',
  };
  const args = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, String(value)]);
  // Its own process group: Ctrl-C reaches posecast, which needs Redis until it has put everything in order.
  const child = endWithOwner(spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] }));
  const output = tail(child);
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(describeError(error)));
    child.on('exit', (code, signal) =>
      resolve(`redis-server ended [code=${code ?? signal}] ${output()}`.trim()),
    );
  });
  const { pid } = child;
  if (pid === undefined) {
    throw new ConfigError(
      'no-redis-server',
      'redis-server: not found in PATH; install it, or give the URL of a running Redis',
      {
        found: await ended,
        install: 'apt-get install redis-server / brew install redis',
      },
    );
  }
  const owner = { ownerPid: process.pid, redisPid: pid, port, pidSpace: pidSpace() };
  await writeFile(join(dir, OWNER_FILE), JSON.stringify(owner));
  const url = `redis://127.0.0.1:${port}`;
  const settled = new AbortController();
  const failure = await Promise.race([ended, answers(url, settled.signal)]);
  settled.abort();
  if (failure !== undefined) {
    child.kill('SIGKILL');
    return failure;
  }
  child.unref();
  let closing = false;
  const died = new Promise<string>((resolve) => {
    void ended.then((how) => {
      if (!closing) resolve(how);
    });
  });
  return {
    url,
    pid,
    died,
    async close() {
      closing = true;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(timer);
      await rm(join(dir, OWNER_FILE), { force: true });
    },
  };
}

/** Waits for the server's first answer; undefined when it came, or when nobody waits any more. */
async function answers(url: string, settled: AbortSignal): Promise<string | undefined> {
  const deadline = Date.now() + START_MS;
  while (!settled.aborted) {
    try {
      await closeRedis(await connectRedis(url));
      return undefined;
    } catch (error) {
      if (Date.now() > deadline) return describeError(error);
      await sleep(20);
    }
  }
  return undefined;
}

/** Ends a server that an owner left behind in this folder: two servers would spoil each other's files. */
async function endLeftover(dir: string): Promise<void> {
  const file = join(dir, OWNER_FILE);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const parsed = ownerSchema.safeParse(parseJson(text));
  if (parsed.success && (await serves(parsed.data, dir))) {
    const { ownerPid, redisPid } = parsed.data;
    if (isAlive(ownerPid)) {
      throw new ConfigError('redis-in-use', 'another posecast keeps its Redis in this folder', {
        dir,
        pid: ownerPid,
      });
    }
    process.kill(redisPid, 'SIGTERM');
    const deadline = Date.now() + STOP_MS;
    while (isAlive(redisPid)) {
      if (Date.now() > deadline) process.kill(redisPid, 'SIGKILL');
      await sleep(20);
    }
  }
  await rm(file, { force: true });
}

/** Whether the noted process is still the Redis of this folder, and not another that got its number or port. */
async function serves(noted: z.infer<typeof ownerSchema>, dir: string): Promise<boolean> {
  if (!isAlive(noted.redisPid)) return false;
  try {
    const redis = await connectRedis(`redis://127.0.0.1:${noted.port}`);
    const [, found] = (await redis.config('GET', 'dir')) as string[];
    const pid = /^process_id:(\d+)/m.exec(await redis.info('server'))?.[1];
    await closeRedis(redis);
    return found === (await realpath(dir)) && Number(pid) === noted.redisPid;
  } catch {
    // Nothing answers there: the server is gone and its number belongs to somebody else.
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** The last lines a child wrote, for a message. */
function tail(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString('utf8')).slice(-500);
    });
    (stream as Socket | null)?.unref();
  }
  return () => text.trim().split('\n').at(-1) ?? '';
}
