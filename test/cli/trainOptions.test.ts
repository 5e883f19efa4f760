/** What `posecast train` refuses on the command line alone: before a corpus is looked for, and hours before it matters. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { trainCommand } from '../../src/cli/train.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

/** Train with these options on a corpus that is not there. */
function trainWith(...options: string[]): Promise<unknown> {
  return withTempFolder((folder) =>
    trainCommand().parseAsync([join(folder, 'nowhere'), '--out', join(folder, 'out'), ...options], {
      from: 'user',
    }),
  );
}

test('a loss without any term is refused, also where the generator has fewer of them from the start', async () => {
  for (const options of [
    ['--without', 'identity,pose,photograph,alignment'],
    ['--generator', 'vit-published', '--without', 'identity,pose,photograph'],
  ]) {
    await assert.rejects(trainWith(...options), {
      code: 'bad-loss',
      message: /--without: expected to leave/,
    });
  }
});
