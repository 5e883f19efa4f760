/** What `posecast train` refuses on the command line alone: before a corpus is looked for, and hours before it matters. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { trainCommand } from '../../../src/cli/train.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

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

test('more threads than the machine can have are refused', async () => {
  await assert.rejects(trainWith('--threads', '100000'), {
    code: 'bad-option',
    message: /^--threads: expected at most \d+, found 100000/,
  });
});

test('an option that the generator does not have is refused with those that have it', async () => {
  const closed = ['ridge', 'mean-offset', 'mixture'];
  const transformers = ['vit', 'vit-published', 'vit-prefix', 'vit-late'];
  const cases: readonly [string, readonly string[], RegExp][] = [
    ['--loss=triplet', closed, /--loss: expected --generator vit or .* or residual-mlp, found /],
    ['--without=pose', closed, /--without: /],
    ['--batch-size=7', closed, /--batch-size: /],
    ['--learning-rate=3', closed, /--learning-rate: /],
    [
      '--yaw-knots=-30,0,30',
      [...transformers, 'mixture'],
      /--yaw-knots: .*ridge or mean-offset or residual-mlp/,
    ],
    [
      '--mlp-condition=code',
      [...closed, ...transformers],
      /--mlp-condition: .*generator residual-mlp, found/,
    ],
    ['--identity-residual=off', [...closed, 'residual-mlp'], /--identity-residual: /],
    ['--normalize-output=off', [...closed, 'residual-mlp'], /--normalize-output: /],
    ['--parts=a,b', ['vit', 'ridge'], /--parts: expected --generator mixture, found /],
  ];
  for (const [option, kinds, message] of cases) {
    for (const kind of kinds) {
      await assert.rejects(trainWith('--generator', kind, option), { code: 'bad-option', message }, kind);
    }
  }
});

test('an option that the generator has, and any default, is no reason to refuse', async () => {
  for (const options of [
    ['--generator', 'ridge', '--yaw-knots=-30,0,30', '--combiner-steps', '5'],
    ['--generator', 'residual-mlp', '--yaw-knots=-30,0,30', '--mlp-condition', 'code', '--loss', 'triplet'],
    ['--generator', 'vit-late', '--identity-residual', 'off', '--without', 'pose', '--batch-size', '7'],
    ['--generator', 'mixture', '--parts', 'a,b'],
  ]) {
    await assert.rejects(trainWith(...options), { code: 'no-corpus' });
  }
});
