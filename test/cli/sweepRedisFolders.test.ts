import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sweepRedisFolders } from '../../src/cli/sweepRedisFolders.ts';
import { pidSpace } from '../../src/shared/machine/pidSpace.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

test('of the folders of Redis those go whose owner and server are surely gone, and no other', () =>
  withTempFolder(async (folder) => {
    const ended = spawn(process.execPath, ['-e', '']);
    await once(ended, 'exit');
    const gone = { ownerPid: ended.pid, redisPid: ended.pid, port: 1, pidSpace: pidSpace() };
    const { pidSpace: _, ...nowhere } = gone;
    const twoMinutesAgo = new Date(Date.now() - 120_000);
    const leave = async (name: string, note: object | undefined, at = twoMinutesAgo) => {
      const dir = join(folder, `posecast-redis-${name}`);
      await mkdir(dir);
      if (note === undefined) return;
      await writeFile(join(dir, 'posecast-redis.json'), JSON.stringify(note));
      await utimes(join(dir, 'posecast-redis.json'), at, at);
    };
    await leave('gone', gone);
    await leave('owner-lives', { ...gone, ownerPid: process.pid });
    await leave('server-lives', { ...gone, redisPid: process.pid });
    await leave('young', gone, new Date());
    await leave('other-container', { ...gone, pidSpace: 'elsewhere pid:[1]' });
    await leave('unknown-container', nowhere);
    await leave('without-note', undefined);
    await sweepRedisFolders(folder);
    assert.deepEqual((await readdir(folder)).sort(), [
      'posecast-redis-other-container',
      'posecast-redis-owner-lives',
      'posecast-redis-server-lives',
      'posecast-redis-unknown-container',
      'posecast-redis-without-note',
      'posecast-redis-young',
    ]);
  }));
