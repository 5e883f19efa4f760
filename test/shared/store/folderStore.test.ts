/** What only a folder can do wrong, and what the store makes of it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { openStore } from '../../../src/shared/store/openStore.ts';
import { asOrdinaryUser } from '../../helpers/ordinaryUser.ts';
import { storeKeys } from '../../helpers/stores.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

const body = new Uint8Array([1, 2, 3]);

test('opening a folder that does not exist creates nothing', () =>
  withTempFolder(async (folder) => {
    const store = await openStore(join(folder, 'a/b'));
    assert.equal(await store.get('x'), undefined);
    await store.close();
    assert.deepEqual(await readdir(folder), []);
  }));

test('a file URL is its folder', () =>
  withTempFolder(async (folder) => {
    const store = await openStore(pathToFileURL(join(folder, 'with space')).href);
    assert.equal(store.uri, join(folder, 'with space'));
    await store.close();
  }));

test('a file where the folder should be, or on the way to it, is a configuration error', () =>
  withTempFolder(async (folder) => {
    await writeFile(join(folder, 'file'), 'x');
    for (const path of ['file', 'file/out/deeper']) {
      await assert.rejects(openStore(join(folder, path)), { name: 'ConfigError', code: 'not-a-folder' });
    }
  }));

test('what this user may not read of a store is a configuration error that names it', () =>
  withTempFolder(async (folder) => {
    await chmod(folder, 0o755);
    const out = join(folder, 'out');
    const store = await openStore(out);
    await store.put('run.json', body);
    await store.put('commits/1', body);
    await store.close();
    const refused = (path: string) => ({
      name: 'ConfigError',
      code: 'not-readable',
      message: new RegExp(`change its rights.*\\[path=${path}/?,`),
    });
    const open = (path: string) => openStore(path, { access: 'read' });
    await chmod(join(out, 'run.json'), 0o000);
    await chmod(join(out, 'commits'), 0o000);
    await asOrdinaryUser(async () => {
      const store = await open(out);
      await assert.rejects(store.get('run.json'), refused(join(out, 'run.json')));
      await assert.rejects(store.get('commits/1'), refused(join(out, 'commits/1')));
      await assert.rejects(store.head('commits/1'), refused(join(out, 'commits/1')));
      await assert.rejects(storeKeys(store), refused(join(out, 'commits')));
    });
    await chmod(out, 0o000);
    await asOrdinaryUser(async () => {
      await assert.rejects(open(out), refused(out));
      await assert.rejects(open(join(out, 'deeper')), refused(join(out, 'deeper')));
    });
    // Who is not root could not remove it otherwise.
    await chmod(out, 0o700);
    await chmod(join(out, 'commits'), 0o700);
  }));

test('a closed store leaves its objects and nothing else', () =>
  withTempFolder(async (folder) => {
    const store = await openStore(folder);
    await store.put('data/x', body);
    await store.putIfAbsent('data/x', body);
    await store.close();
    assert.deepEqual(await readdir(folder, { recursive: true }), ['data', 'data/x']);
  }));

test('a store goes on while another one of the same folder is opened and closed', () =>
  withTempFolder(async (folder) => {
    const store = await openStore(folder);
    const others = Array.from({ length: 30 }, async () => (await openStore(folder)).close());
    const puts = Array.from({ length: 60 }, (_, i) => store.put(`data/${i}`, body));
    await Promise.all([...others, ...puts]);
    assert.equal((await readdir(join(folder, 'data'))).length, 60);
    await store.close();
  }));

test('a failed write leaves no temporary file', () =>
  withTempFolder(async (folder) => {
    const store = await openStore(folder);
    await store.put('data', body);
    // `data` is a file, so nothing can be placed below it.
    await assert.rejects(store.put('data/x', body));
    await assert.rejects(store.putIfAbsent('data/x', body));
    await store.close();
    assert.deepEqual(await readdir(folder), ['data']);
  }));

test('temporary files of a process that died yesterday are removed, those of today are left', () =>
  withTempFolder(async (folder) => {
    const temporaries = join(folder, '.posecast-tmp');
    await mkdir(temporaries);
    for (const name of ['old', 'new']) await writeFile(join(temporaries, name), 'x');
    const longAgo = new Date(Date.now() - 48 * 3600 * 1000);
    await utimes(join(temporaries, 'old'), longAgo, longAgo);
    await (await openStore(folder)).close();
    assert.deepEqual(await readdir(temporaries), ['new']);
  }));

test('a process killed at any moment of a put leaves the whole old or the whole new object', () =>
  withTempFolder(async (folder) => {
    const bytes = 4 * 2 ** 20;
    for (let round = 0; round < 6; round++) {
      const script = fileURLToPath(new URL('../../helpers/putForever.js', import.meta.url));
      const child = spawn(process.execPath, [script, folder, 'data/x', String(bytes)]);
      await once(child.stdout, 'data');
      await sleep(round * 7);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const store = await openStore(folder);
      const found = (await store.get('data/x')) ?? new Uint8Array();
      assert.equal(found.length, bytes);
      assert.ok(found.every((value) => value === found[0]));
      await store.close();
    }
  }));
