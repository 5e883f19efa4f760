import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { finalizeRun } from '../../src/shared/run/finalizeRun.ts';
import { makeSampleRun } from '../helpers/sampleRun.ts';
import { withFolderStore } from '../helpers/stores.ts';

/** The command in a process of its own, as bin/posecast.js runs it. */
function verify(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['bin/posecast.js', 'verify', ...args], (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

test('posecast verify ends with 0 for a good run, 1 with every problem named, 2 where there is no run', () =>
  withFolderStore(async (store) => {
    assert.equal((await verify(store.uri)).code, 2);
    await finalizeRun(store, await makeSampleRun(store));
    const good = await verify(store.uri);
    assert.equal(good.code, 0, good.stderr);
    assert.match(good.stdout, /faces +28\n/);
    assert.match(good.stdout, /all is well/);
    await store.delete('rejects/00000001-attempt-1.parquet');
    const bad = await verify(store.uri);
    assert.equal(bad.code, 1);
    assert.match(bad.stdout, /missing-file: rejects\/00000001-attempt-1\.parquet/);
    const json = await verify(store.uri, '--json');
    assert.equal(json.code, 1);
    assert.deepEqual(JSON.parse(json.stdout).problemCounts, { 'missing-file': 1 });
  }));
