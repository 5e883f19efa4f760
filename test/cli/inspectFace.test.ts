import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { posecast } from '../helpers/cli.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const photograph = join(packageRoot, 'samples', 'london', '001', 'neutral.jpg');

test('inspect face with a photograph that is not there, or a folder, ends with exit code 2 and writes nothing', async () => {
  await withTempFolder(async (folder) => {
    for (const wrong of [join(folder, 'no.jpg'), folder]) {
      const { code, stderr } = await posecast(['inspect', 'face', photograph, wrong, '--out', folder]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /cannot read photograph/);
      assert.deepEqual(await readdir(folder), []);
    }
  });
});
