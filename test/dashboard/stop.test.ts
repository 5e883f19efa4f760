/** A dashboard that is told to end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { openStore } from '../../src/shared/store/openStore.ts';
import { startPosecast } from '../helpers/cli.ts';
import { makeSampleRun } from '../helpers/sampleRun.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

/** One that does not hear the signal serves for ever. */
const MOST_MS = 120_000;

test('SIGTERM that comes while a silent Redis is waited for ends the dashboard before it serves', () =>
  withTempFolder(async (out) => {
    const store = await openStore(out);
    await makeSampleRun(store, { subjects: 1 });
    await store.close();
    const sockets: Socket[] = [];
    const silent = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const { child, done } = startPosecast([
      'dashboard',
      out,
      '--port',
      '0',
      '--redis',
      `redis://127.0.0.1:${port}`,
    ]);
    const late = setTimeout(() => child.kill('SIGKILL'), MOST_MS);
    try {
      await Promise.race([once(silent, 'connection'), done]);
      child.kill('SIGTERM');
      const { code, stdout } = await done;
      assert.deepEqual([code, stdout], [0, '']);
    } finally {
      clearTimeout(late);
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  }));
