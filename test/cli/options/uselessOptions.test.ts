/** Options that can do nothing in what they are given with: who gives one expects something that does not happen. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { refuseUselessStores } from '../../../src/cli/options/uselessStores.ts';
import { runCommand } from '../../../src/cli/run.ts';
import { submitCommand } from '../../../src/cli/submit.ts';
import { trainCommand } from '../../../src/cli/train.ts';
import { packageRoot } from '../../../src/shared/package.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

const samples = join(packageRoot, 'samples', 'london');
const s3 = 's3://bucket/x';

test('options of a store in S3 are refused where nothing lies in one', () => {
  const own = { s3Profile: 'archive' };
  const ofCorpus = { corpusS3Region: 'eu-west-1' };
  for (const [flags, corpus, out, message] of [
    [own, samples, 'out', '--s3-profile: expected with a corpus or an OUT in S3 only'],
    [ofCorpus, samples, 'out', '--corpus-s3-region: expected with a corpus in S3 only'],
    [ofCorpus, samples, s3, '--corpus-s3-region: expected with a corpus in S3 only'],
  ] as const) {
    assert.throws(() => refuseUselessStores(corpus, out, flags), { code: 'bad-option', message });
  }
  refuseUselessStores(samples, s3, own);
  refuseUselessStores(s3, 'out', { ...own, ...ofCorpus });
  refuseUselessStores('list.csv', 'out', { ...own, ...ofCorpus, imageRoot: s3 });
  refuseUselessStores(samples, 'out', {});
});

test('a region or profile from a variable that is not set is refused, not taken for the usual one', async () => {
  for (const option of ['--s3-region', '--s3-profile', '--corpus-s3-region', '--corpus-s3-profile']) {
    const command = runCommand()
      .exitOverride()
      .configureOutput({ writeErr: () => {} });
    await assert.rejects(command.parseAsync([samples, s3, option, ''], { from: 'user' }), {
      code: 'commander.invalidArgument',
      message: /not blank/,
    });
  }
});

test('train refuses an option of a corpus in S3 where the corpus is a folder', () =>
  withTempFolder(async (folder) => {
    const words = [samples, '--out', join(folder, 'out'), '--corpus-s3-region', 'eu-west-1'];
    await assert.rejects(trainCommand().parseAsync(words, { from: 'user' }), {
      code: 'bad-option',
      message: '--corpus-s3-region: expected with a corpus in S3 only',
    });
  }));

test('run and submit refuse an option that can do nothing, dry or not', () =>
  withTempFolder(async (folder) => {
    const words = [samples, join(folder, 'out')];
    for (const [command, ...options] of [
      [runCommand(), '--s3-profile=archive'],
      [runCommand(), '--s3-profile=archive', '--dry-run'],
      [submitCommand(), '--s3-profile=archive', '--redis=redis://127.0.0.1:1'],
      [submitCommand(), '--s3-profile=archive', '--dry-run'],
      [runCommand(), '--metrics-host=0.0.0.0'],
    ] as const) {
      await assert.rejects(command.parseAsync([...words, ...options], { from: 'user' }), {
        name: 'ConfigError',
        code: 'bad-option',
        message: new RegExp(`^${options[0].split('=')[0]}: expected with .* only$`),
      });
    }
  }));
