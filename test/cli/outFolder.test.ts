import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { evaluateCommand } from '../../src/cli/evaluate.ts';
import { inspectCommand } from '../../src/cli/inspect.ts';
import { trainCommand } from '../../src/cli/train.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const photograph = join(packageRoot, 'samples', 'london', '001', 'neutral.jpg');

test('a file in the place of --out, or above it, is refused before anything else is looked at', () =>
  withTempFolder(async (folder) => {
    const file = join(folder, 'file');
    const corpus = join(folder, 'empty');
    await writeFile(file, 'mine');
    await mkdir(corpus);
    for (const out of [file, join(file, 'below')]) {
      for (const [command, ...words] of [
        [inspectCommand(), 'face', photograph],
        [inspectCommand(), 'turns', photograph],
        [inspectCommand(), 'subject', corpus],
        [evaluateCommand(), corpus],
        [evaluateCommand(), corpus, '--protocol', 'lfw'],
        [trainCommand(), corpus],
      ] as const) {
        const ran = command.parseAsync([...words, '--out', out], { from: 'user' });
        await assert.rejects(
          ran,
          { name: 'ConfigError', message: `--out: expected a folder, or nothing yet [path=${out}]` },
          `${command.name()} ${words.join(' ')}`,
        );
      }
    }
  }));

test('an --out inside the corpus, or inside the distractors, is refused and not made', () =>
  withTempFolder(async (folder) => {
    const corpus = join(folder, 'corpus');
    const others = join(folder, 'others');
    for (const place of [corpus, others]) {
      await mkdir(join(place, 'anna'), { recursive: true });
      await writeFile(join(place, 'anna', '1.jpg'), 'listed, not read');
    }
    for (const [command, words, holder] of [
      [trainCommand(), [corpus], corpus],
      [evaluateCommand(), [corpus], corpus],
      [evaluateCommand(), [corpus, '--distractors', others], others],
    ] as const) {
      const out = join(holder, 'out');
      const ran = command.parseAsync([...words, '--out', out], { from: 'user' });
      await assert.rejects(
        ran,
        {
          code: 'out-in-corpus',
          message: `OUT: expected a place outside the corpus, found one inside it [out=${out}, corpus=${holder}]`,
        },
        command.name(),
      );
      assert.deepEqual(await readdir(holder), ['anna']);
    }
  }));
