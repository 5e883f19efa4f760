/** The units, read by systemd itself. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { copyFile, mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
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
    for (const unit of ['posecast-worker.service', 'posecast-worker@0.service']) {
      const { stdout } = await promisify(execFile)('systemd-analyze', [
        ...['security', '--offline=true', '--threshold=30', join(folder, unit)],
      ]);
      assert.match(stdout, new RegExp(`exposure level for ${unit.replace('.', '\\.')}: \\d\\.\\d OK`));
    }
  }),
);

test('a worker is restarted when its file is old, or when it has none 15 minutes after its start', () =>
  withTempFolder(async (folder) => {
    const unit = await readFile(join(infra, 'systemd', 'posecast-alive@.service'), 'utf8');
    const command = /^ExecStart=\/bin\/sh -c '(.*)'$/m.exec(unit)?.[1] ?? '';
    const place = join(folder, 'worker');
    await mkdir(place);
    await writeFile(join(folder, 'systemctl'), '#!/bin/sh\necho "$@"\n', { mode: 0o755 });
    const look = async (started: number, consumed?: number) => {
      const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);
      if (consumed !== undefined) {
        await writeFile(join(place, 'alive'), '');
        await utimes(join(place, 'alive'), ago(consumed), ago(consumed));
      }
      await utimes(place, ago(started), ago(started));
      const script = command.replaceAll('/run/%i', place).replaceAll('%i', 'worker');
      const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
      return (await promisify(execFile)('/bin/sh', ['-c', script], { env })).stdout.trim();
    };
    assert.equal(await look(1), '');
    assert.equal(await look(20), 'try-restart worker.service');
    assert.equal(await look(60, 1), '');
    assert.equal(await look(60, 20), 'try-restart worker.service');
  }));

test('nothing in the unit for GPUs closes the devices to it', async () => {
  const unit = await readFile(join(infra, 'systemd', 'posecast-worker@.service'), 'utf8');
  // Each of them closes every device that is not named, ProtectClock= in older versions of systemd.
  assert.doesNotMatch(unit, /^(PrivateDevices|DevicePolicy|DeviceAllow|ProtectClock)=/m);
});
