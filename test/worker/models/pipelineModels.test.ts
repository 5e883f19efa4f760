/** Which models a face pipeline takes. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../../src/shared/package.ts';
import { resolvePipelineModels } from '../../../src/worker/models/pipelineModels.ts';
import { posecast } from '../../helpers/cli.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

test('a model of another kind is refused with those of the kind', async () => {
  await assert.rejects(resolvePipelineModels({ detector: 'fr-pose', recognizer: 'fr-feature' }), {
    name: 'ConfigError',
    message: /^expected a detector of the registry .*\(fr-detect, mtcnn, yunet\), found "fr-pose", a pose/,
  });
  await assert.rejects(resolvePipelineModels({ detector: 'fr-detect', recognizer: 'fr-detect' }), {
    name: 'ConfigError',
    message: /^expected a recognizer of the registry .*fr-feature.*, found "fr-detect", a detector/,
  });
});

for (const [what, words] of [
  ['a run', (corpus: string, out: string) => ['run', corpus, out, '--detector', 'fr-pose']],
  [
    'a training',
    (corpus: string, out: string) => ['train', corpus, '--recognizer', 'fr-detect', '--out', out],
  ],
] as const) {
  test(`${what} with a model of another kind has written nothing when it is refused`, () =>
    withTempFolder(async (folder) => {
      const corpus = join(packageRoot, 'samples', 'london');
      const { code, stdout, stderr } = await posecast(words(corpus, join(folder, 'out')));
      assert.equal(code, 2, stdout + stderr);
      assert.match(stderr, /expected a (detector|recognizer) of the registry/);
      assert.deepEqual(await readdir(folder), []);
    }));
}
