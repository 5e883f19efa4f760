/** The units, read by systemd itself. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { infra } from './files.ts';

const OPTIONS = {
  skip: spawnSync('systemd-analyze', ['--version']).status === 0 ? false : 'no systemd-analyze here',
};
const TEMPLATES = ['posecast-worker@.service', 'posecast-alive@.service', 'posecast-alive@.timer'];

async function inFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  return withTempFolder(async (folder) => {
    for (const name of ['posecast-worker.service', ...TEMPLATES]) {
      await copyFile(join(infra, 'systemd', name), join(folder, name));
    }
    return run(folder);
  });
}

test('systemd finds no fault in the units', OPTIONS, () =>
  inFolder(async (folder) => {
    const units = [
      'posecast-worker.service',
      'posecast-worker@0.service',
      'posecast-alive@posecast-worker@0.timer',
    ];
    const { stdout, stderr } = await promisify(execFile)('systemd-analyze', [
      ...['verify', '--man=no', '--recursive-errors=yes'],
      ...units.map((unit) => join(folder, unit)),
    ]);
    // It says what it ignores, such as a misspelt setting, and ends with 0 all the same.
    assert.equal((stdout + stderr).trim(), '');
  }),
);

test('a worker may little: systemd calls its exposure OK', OPTIONS, () =>
  inFolder(async (folder) => {
    const { stdout } = await promisify(execFile)('systemd-analyze', [
      ...['security', '--offline=true', '--threshold=30', join(folder, 'posecast-worker.service')],
    ]);
    assert.match(stdout, /exposure level for posecast-worker\.service: \d\.\d OK/);
  }),
);
