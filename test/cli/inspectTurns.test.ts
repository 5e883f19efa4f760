import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { packageRoot } from '../../src/shared/package.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const photograph = join(packageRoot, 'samples', 'london', '001', 'neutral.jpg');

test('inspect turns draws the photograph at every pose of the grid, and says why it could not turn a photograph', async () => {
  await withTempFolder(async (folder) => {
    const blank = join(folder, 'blank.png');
    await sharp({ create: { width: 200, height: 200, channels: 3, background: '#888' } }).toFile(blank);
    const text = join(folder, 'text.jpg');
    await writeFile(text, 'not a photograph');
    const out = join(folder, 'out');
    const args = ['inspect', 'turns', photograph, blank, text, '--out', out];
    const { code, stdout, stderr } = await posecast(args);
    assert.equal(code, 1, stderr);
    assert.match(stdout, /blank\.png: not turned: rejected at detect: .* \[code=no-face\]\n/);
    assert.match(stdout, /text\.jpg: not turned: rejected at decode: .* \[code=not-an-image\]\n/);
    const { data, info } = await sharp(join(out, 'turns.png')).raw().toBuffer({ resolveWithObject: true });
    // Along the middle of the only row every cell, and only a cell, is other than white.
    const y = Math.round(info.height * 0.55);
    const white = Array.from({ length: info.width }, (_, x) => {
      const at = info.channels * (y * info.width + x);
      return data.subarray(at, at + 3).every((value) => value === 255);
    });
    assert.equal(white.filter((gap, x) => gap && !white[x - 1]).length, 23);
  });
});

test('inspect turns of a file that is not there ends with exit code 2 and writes nothing', async () => {
  await withTempFolder(async (folder) => {
    const { code, stderr } = await posecast(['inspect', 'turns', join(folder, 'no.jpg'), '--out', folder]);
    assert.equal(code, 2);
    assert.match(stderr, /cannot read photograph/);
    assert.deepEqual(await readdir(folder), []);
  });
});

test('inspect turns refuses more photographs than a sheet has rows before it turns the first', async () => {
  await withTempFolder(async (folder) => {
    const photographs = Array<string>(256).fill(photograph);
    const { code, stderr } = await posecast([
      'inspect',
      'turns',
      ...photographs,
      '--out',
      join(folder, 'out'),
    ]);
    assert.equal(code, 2);
    assert.match(stderr, /expected at most 255 photographs, the rows of a sheet, found 256/);
    assert.doesNotMatch(stderr, /turning/);
    assert.deepEqual(await readdir(folder), []);
  });
});

test('Ctrl-C ends inspect turns with one line and exit code 130, and nothing is written', async () => {
  await withTempFolder(async (folder) => {
    const turning = startPosecast(['inspect', 'turns', photograph, photograph, '--out', join(folder, 'out')]);
    while (!turning.output().includes('turning 2 photographs')) await once(turning.child.stderr!, 'data');
    turning.child.kill('SIGINT');
    const { code, stderr } = await turning.done;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /\nposecast: stopped; nothing was written\n$/);
    assert.deepEqual(await readdir(folder), []);
  });
});
