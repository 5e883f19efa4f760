/** `posecast inspect subject` on a finished run. */
import assert from 'node:assert/strict';
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { posecast } from '../helpers/cli.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

test('people whose names differ by a U+FEFF alone have a picture each, and are found by name', () =>
  withTempFolder(async (folder) => {
    const [corpus, out, pictures] = ['corpus', 'out', 'pictures'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const names = ['anna', '\ufeffanna'];
    for (const [i, name] of names.entries()) {
      await cp(join(packageRoot, 'samples', 'london', `00${i + 1}`), join(corpus, name), { recursive: true });
    }
    assert.equal((await posecast(['run', corpus, out, '--variants', '2'])).code, 0);
    const drawn = await posecast(['inspect', 'subject', out, ...names, '--out', pictures]);
    assert.equal(drawn.code, 0, drawn.stderr);
    assert.equal((await readdir(pictures)).length, 2);
  }));
