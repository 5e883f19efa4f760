import assert from 'node:assert/strict';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { posecast } from '../helpers/cli.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

test('poses from KDEF names are refused where a file has another name, and the file is named', () =>
  withTempFolder(async (folder) => {
    const corpus = join(folder, 'corpus');
    await mkdir(join(corpus, 'AF01'), { recursive: true });
    await writeFile(join(corpus, 'AF01', 'AF01ANFL.JPG'), 'x');
    await writeFile(join(corpus, 'AF01', 'AF01ANXX.JPG'), 'x');
    const out = join(folder, 'out');
    const result = await posecast(['evaluate', corpus, '--poses', 'kdef-names', '--out', out]);
    assert.equal(result.code, 2, result.stderr);
    assert.match(result.stderr, /--poses kdef-names: KDEF .*AF01ANXX\.JPG/);
    await assert.rejects(access(out), { code: 'ENOENT' });
  }));
