/** A run whose photographs are all rejected. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { posecast } from '../helpers/cli.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

test('a run without a usable photograph says that its table is empty, and shows no way to open it', () =>
  withTempFolder(async (folder) => {
    const [corpus, out] = [join(folder, 'corpus'), join(folder, 'out')];
    await mkdir(join(corpus, 'anna'), { recursive: true });
    await writeFile(join(corpus, 'anna', 'notes.jpg'), 'no photograph');
    const ran = await posecast(['run', corpus, out]);
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, /is complete, and its table empty: no photograph was usable/);
    assert.match(ran.stdout, /1, 1 rejected \(decode\/not-an-image 1\)/);
    assert.doesNotMatch(ran.stdout, /pyarrow/);
    const shown = await posecast(['inspect', 'subject', out, '--out', join(folder, 'pictures')]);
    assert.equal(shown.code, 2, shown.stderr);
    assert.match(shown.stderr, /OUT has no embeddings of anybody/);
  }));
