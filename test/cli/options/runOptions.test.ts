import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { runConfigFromOptions } from '../../../src/cli/options/runOptions.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

test('the FRA model of a recogniser is recorded by its name, one that is asked for by its name where it is shipped, else as the absolute path of a folder', () =>
  withTempFolder(async (folder) => {
    const corpus = join(folder, 'photos');
    await mkdir(corpus);
    const own = { recognizer: 'my-model' };
    for (const [flags, fra] of [
      [{}, 'fr-feature'],
      [{ recognizer: 'mobilefacenet-192' }, 'mobilefacenet-192'],
      [own, 'my-model'],
      [{ fra: 'mobilefacenet-192' }, 'mobilefacenet-192'],
      [{ ...own, fra: 'my-model' }, resolve('my-model')],
      [{ ...own, variants: 0 }, 'my-model'],
      [{ ...own, variants: 0, fra: 'my-fra' }, resolve('my-fra')],
    ] as const) {
      assert.equal((await runConfigFromOptions(corpus, flags)).fra, fra, JSON.stringify(flags));
    }
  }));
