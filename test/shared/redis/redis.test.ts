import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { closeRedis, connectRedis, parseRedisUrl } from '../../../src/shared/redis/redis.ts';
import { freePort } from '../../helpers/freePort.ts';
import { withRedis } from '../../helpers/services/redis.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

/** A server that is not Redis, while `body` runs. */
async function withServer<T>(
  answer: (socket: Socket) => void,
  body: (port: number) => Promise<T>,
): Promise<T> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    answer(socket);
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  try {
    return await body(port);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function refusal(url: string): Promise<string> {
  try {
    await closeRedis(await connectRedis(url));
  } catch (error) {
    assert.ok(error instanceof Error);
    assert.equal(error.name, 'ConfigError');
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  throw new Error('expected a refusal');
}

test('a port where nothing listens is refused by host and port, without the password', async () => {
  const port = await withServer(
    () => {},
    async (used) => used,
  );
  const message = await refusal(`redis://user:hunter2@127.0.0.1:${port}`);
  assert.match(message, new RegExp(`Redis at 127.0.0.1:${port}.*ECONNREFUSED`));
  assert.doesNotMatch(message, /hunter2/);
});

test('nothing is left of a Redis that refused: a process can end then', async () => {
  const port = await withServer(
    () => {},
    async (used) => used,
  );
  const before = process.getActiveResourcesInfo();
  await refusal(`redis://127.0.0.1:${port}`);
  assert.deepEqual(process.getActiveResourcesInfo(), before);
});

test('a server that never answers is given up before 5 s are over', { timeout: 5_000 }, () =>
  withServer(
    () => {},
    async (port) => assert.match(await refusal(`redis://127.0.0.1:${port}`), /no answer within 4 s/),
  ),
);

test('a server that is not Redis is refused', () =>
  withServer(
    (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    async (port) =>
      assert.match(await refusal(`redis://127.0.0.1:${port}`), /Redis at 127.0.0.1:\d+: expected a server/),
  ));

test('a wrong or missing password is refused and never shown', () =>
  withRedis(async ({ url, redis }) => {
    await redis.config('SET', 'requirepass', 'right');
    const { port } = new URL(url);
    const wrong = await refusal(`redis://:hunter2@127.0.0.1:${port}`);
    assert.match(wrong, /WRONGPASS/);
    assert.doesNotMatch(wrong, /hunter2|right/);
    assert.match(await refusal(url), /NOAUTH/);
    const client = await connectRedis(`redis://:right@127.0.0.1:${port}`);
    assert.equal(await client.ping(), 'PONG');
    await closeRedis(client);
  }));

test('a database that the server does not have is refused', () =>
  withRedis(async ({ url }) => {
    assert.match(await refusal(`${url}/99`), /out of range/);
  }));

test('something that is no Redis URL is refused without being repeated', async () => {
  for (const url of ['hunter2', 'http://user:hunter2@host', 'redis://:hunter2@host/x', 'redis:///0', '']) {
    const message = await refusal(url);
    assert.match(message, /expected a URL like redis:/);
    assert.doesNotMatch(message, /hunter2/);
  }
});

test('a URL with a query or a fragment is refused without being repeated, and says how a database is named', async () => {
  for (const rest of ['?db=3', '/?db=3', '/0?password=hunter2', '#hunter2']) {
    const message = await refusal(`redis://127.0.0.1:1${rest}`);
    assert.match(message, /expected a URL like redis:.*found \? or #.*redis:\/\/host:6379\/3/, rest);
    assert.doesNotMatch(message, /hunter2/);
  }
});

test('a URL gives host, port, database, credentials and TLS', () => {
  assert.deepEqual(parseRedisUrl('rediss://us%40r:p%3Aw@example.org:7000/3'), {
    label: 'example.org:7000',
    options: {
      host: 'example.org',
      port: 7000,
      db: 3,
      username: 'us@r',
      password: 'p:w',
      tls: { servername: 'example.org' },
    },
  });
  assert.deepEqual(parseRedisUrl('redis://[::1]'), {
    label: '[::1]:6379',
    options: { host: '::1', port: 6379, db: 0 },
  });
  assert.deepEqual(parseRedisUrl('rediss://[::1]').options.tls, {});
});

test('TLS to an address makes no warning of Node: it would be a line in the log that is none of the log', () =>
  withServer(
    (socket) => socket.end(),
    async (port) => {
      const warnings: string[] = [];
      const onWarning = (warning: Error) => warnings.push(warning.message);
      process.on('warning', onWarning);
      try {
        await refusal(`rediss://127.0.0.1:${port}`);
      } finally {
        process.off('warning', onWarning);
      }
      assert.deepEqual(warnings, []);
    },
  ));

test('a Redis that may evict jobs is used with a warning', () =>
  withRedis(async ({ url, redis }) => {
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const lines: string[] = [];
    await closeRedis(await connectRedis(url, { warn: (line) => lines.push(line) }));
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /maxmemory-policy is allkeys-lru.*noeviction/);
  }));

test('a read-only replica is refused', () =>
  withRedis(async ({ url, redis }) => {
    await redis.call('REPLICAOF', '127.0.0.1', '1');
    assert.match(await refusal(url), /expected a primary/);
  }));

for (const [mode, args] of [
  ['cluster', ['--cluster-enabled', 'yes']],
  ['sentinel', ['--sentinel']],
] as const) {
  test(`a Redis in the mode of a ${mode} is refused with its mode`, () =>
    withTempFolder(async (dir) => {
      const port = await freePort();
      // A sentinel keeps its state in its configuration.
      const file = join(dir, 'redis.conf');
      await writeFile(file, `port ${port}\nbind 127.0.0.1\ndir ${dir}\n`);
      const server = spawn('redis-server', [file, ...args], { stdio: 'ignore' });
      try {
        await untilItListens(server, port);
        assert.match(
          await refusal(`redis://127.0.0.1:${port}`),
          new RegExp(`^Redis at 127.0.0.1:${port}: expected a standalone server, found mode ${mode}`),
        );
      } finally {
        const ended = once(server, 'exit');
        if (server.kill()) await ended;
      }
    }));
}

async function untilItListens(server: ChildProcess, port: number): Promise<void> {
  while (true) {
    const socket = connectSocket(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      assert.equal(server.exitCode, null, 'redis-server ended');
      await sleep(20);
    } finally {
      socket.destroy();
    }
  }
}

for (const [who, broken] of [
  ['the client', 2],
  ['the client that a worker makes of it', 3],
] as const) {
  test(`a connection that breaks while it is made is made again: ${who}`, () =>
    withRedis(({ server }) => {
      let connections = 0;
      return withServer(
        (socket) => {
          // The first is the preflight.
          if (++connections === broken) return socket.destroy();
          const redis = connectSocket(Number(new URL(server.url).port), '127.0.0.1');
          socket.pipe(redis).pipe(socket);
          redis.on('error', () => socket.destroy());
          socket.on('close', () => redis.destroy());
        },
        async (port) => {
          const redis = await connectRedis(`redis://127.0.0.1:${port}`);
          const queue = new Queue('q', { connection: redis });
          const worker = new Worker('q', async () => 'done', { connection: redis });
          worker.on('error', () => {});
          try {
            const done = new Promise((resolve) => worker.once('completed', resolve));
            await queue.add('job', {});
            await done;
            assert.ok(connections > broken);
          } finally {
            await worker.close();
            await queue.close();
            await closeRedis(redis);
          }
        },
      );
    }));
}

test('a Redis that has become a replica is left: its name may lead to the new primary', () =>
  withRedis(async ({ url, redis: control }) => {
    const redis = await connectRedis(url);
    const connection = await redis.client('ID');
    // Nobody listens there: it stays a replica without data of its primary.
    await control.replicaof('127.0.0.1', await freePort());
    await assert.rejects(redis.set('posecast:key', 'value'), /READONLY/);
    assert.notEqual(await redis.client('ID'), connection);
    await control.replicaof('NO', 'ONE');
    assert.equal(await redis.set('posecast:key', 'value'), 'OK');
    await closeRedis(redis);
  }));
