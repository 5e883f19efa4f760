import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeRedis, connectRedis } from '../../../src/shared/redis/redis.ts';
import { startOwnRedis } from '../../../src/shared/redis/redisServer.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

const MODULE = new URL('../../../src/shared/redis/redisServer.js', import.meta.url).href;

/** A process that starts a server in `dir`, prints its pid and URL, and then hangs until it is killed. */
async function ownerOf(dir: string) {
  const code = `const { startOwnRedis } = await import(${JSON.stringify(MODULE)});
    const server = await startOwnRedis({ dir: ${JSON.stringify(dir)} });
    process.stdout.write(JSON.stringify([server.pid, server.url]) + '\\n');
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(owner.stdout, 'data');
  const [pid, url] = JSON.parse(String(line)) as [number, string];
  return { owner, pid, url };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20);
}

test('a server of our own keeps its jobs on disk, evicts nothing and answers on loopback only', () =>
  withTempFolder(async (dir) => {
    const server = await startOwnRedis({ dir });
    const redis = await connectRedis(server.url);
    const setting = async (name: string) => ((await redis.config('GET', name)) as string[])[1];
    assert.deepEqual(
      [
        await setting('appendonly'),
        await setting('appendfsync'),
        await setting('maxmemory-policy'),
        await setting('bind'),
      ],
      ['yes', 'everysec', 'noeviction', '127.0.0.1'],
    );
    await redis.set('key', 'kept');
    await closeRedis(redis);
    await server.close();
    assert.ok(!isAlive(server.pid));

    const again = await startOwnRedis({ dir });
    const reader = await connectRedis(again.url);
    assert.equal(await reader.get('key'), 'kept');
    await closeRedis(reader);
    await again.close();
  }));

test('the server ends when its owner is killed outright', () =>
  withTempFolder(async (dir) => {
    const { owner, pid } = await ownerOf(dir);
    owner.kill('SIGKILL');
    await until(() => !isAlive(pid));
    const server = await startOwnRedis({ dir });
    await server.close();
  }));

test('a server left behind without its watchdog is ended before the next one starts', () =>
  withTempFolder(async (dir) => {
    // As after a kill of the whole group, watchdog included: a server whose noted owner is dead.
    const { owner, pid, url } = await ownerOf(dir);
    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'exit');
    const port = Number(new URL(url).port);
    await writeFile(
      join(dir, 'posecast-redis.json'),
      JSON.stringify({ ownerPid: dead.pid, redisPid: pid, port }),
    );
    const server = await startOwnRedis({ dir });
    assert.ok(!isAlive(pid));
    assert.notEqual(server.pid, pid);
    await server.close();
    owner.kill('SIGKILL');
    await once(owner, 'exit');
  }));

test('a folder that a living process uses is refused', () =>
  withTempFolder(async (dir) => {
    const server = await startOwnRedis({ dir });
    await assert.rejects(startOwnRedis({ dir }), { name: 'ConfigError', code: 'redis-in-use' });
    await server.close();
  }));

test('a stale note about a process number that now belongs to somebody else is ignored', () =>
  withTempFolder(async (dir) => {
    const note = { ownerPid: process.pid, redisPid: process.pid, port: 1 };
    await writeFile(join(dir, 'posecast-redis.json'), JSON.stringify(note));
    const server = await startOwnRedis({ dir });
    await server.close();
  }));

test('a server that dies says so', () =>
  withTempFolder(async (dir) => {
    const server = await startOwnRedis({ dir });
    // Neither the server nor its watchdog keeps a process: a client of it does.
    const client = await connectRedis(server.url);
    process.kill(server.pid, 'SIGKILL');
    assert.match(await server.died, /redis-server ended \[code=SIGKILL\]/);
    await closeRedis(client);
    await server.close();
  }));

test('a machine without redis-server is told how to get one', () =>
  withTempFolder(async (dir) => {
    const started = startOwnRedis({ dir, program: join(dir, 'redis-server') });
    await assert.rejects(started, {
      name: 'ConfigError',
      code: 'no-redis-server',
      message: /apt-get install/,
    });
  }));

test('a redis-server that cannot start is reported with its own words', () =>
  withTempFolder(async (dir) => {
    await writeFile(join(dir, 'appendonlydir'), 'a file where Redis wants a folder');
    await assert.rejects(startOwnRedis({ dir }), { code: 'redis-start', message: /redis-server ended/ });
  }));
