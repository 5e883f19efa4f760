import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder } from '../../../src/shared/files/makeFolder.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

test('a folder is made with those above it, and one that is there is left', () =>
  withTempFolder(async (folder) => {
    const path = join(folder, 'a', 'b', 'c');
    await Promise.all([makeFolder(path), makeFolder(path), makeFolder(join(folder, 'a', 'd'))]);
    await makeFolder(path);
    assert.ok((await stat(path)).isDirectory());
    await writeFile(join(path, 'file'), '');
    await assert.rejects(makeFolder(join(path, 'file', 'below')), { code: 'EEXIST' });
  }));

test('where nothing can be made it is said, and not tried for ever', async (context) => {
  if (!existsSync('/proc/self')) return context.skip('no /proc here');
  await assert.rejects(makeFolder('/proc/nothing/here'), { code: 'ENOENT' });
});
