import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { evaluateCommand } from '../../src/cli/evaluate.ts';
import { parseProtocolResult } from '../../src/evaluate/protocols/protocolResult.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { sharedFile } from '../helpers/photographs.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const london = sharedFile('data/london');

/** A folder as of LFW, of London people under their own names: the shipped model was trained on them. */
function writeLfw(folder: string): string {
  const people = ['013', '014', '016', '017', '018', '019'];
  for (const name of people) {
    mkdirSync(join(folder, name), { recursive: true });
    copyFileSync(join(london.path, name, 'neutral.jpg'), join(folder, name, `${name}_0001.jpg`));
    copyFileSync(join(london.path, name, 'smile.jpg'), join(folder, name, `${name}_0002.jpg`));
  }
  const set = (three: readonly string[]) => [
    ...three.map((name) => `${name}\t1\t2`),
    ...three.map((name, i) => `${name}\t1\t${three[(i + 1) % 3]}\t2`),
  ];
  const list = join(folder, 'pairs.txt');
  writeFileSync(list, `${['2\t3', ...set(people.slice(0, 3)), ...set(people.slice(3))].join('\n')}\n`);
  return list;
}

/** What `posecast evaluate` does when called in this process. */
function evaluate(...words: string[]) {
  return evaluateCommand().parseAsync(words, { from: 'user' });
}

test('an option that --protocol would not look at is refused by its name', () =>
  withTempFolder(async (folder) => {
    const list = join(folder, 'pairs.txt');
    writeFileSync(list, '2\t3\nAnn\t1\n');
    const words = [folder, '--protocol', 'lfw', '--pairs-file', list, '--out', join(folder, 'out')];
    for (const option of [
      ...['--distractors=/nowhere', '--pairs=/nowhere.arrow', '--tasks=clustering', '--folds=4', '--seeds=9'],
      ...[
        '--enrol=5',
        '--probes=4',
        '--min-yaw=30',
        '--shuffle-labels',
        '--poses=meter',
        '--kdef-samples=10',
      ],
      ...['--image-root=.', '--corpus-s3-region=eu', '--follow-links'],
    ]) {
      const [name] = option.split('=');
      await assert.rejects(evaluate(...words, option), {
        name: 'ConfigError',
        code: 'bad-option',
        message: new RegExp(`${name}\\b`),
      });
    }
    const used = [
      '--variants=3',
      '--seed=1',
      '--detector=fr-detect',
      '--recognizer=fr-feature',
      '--threads=1',
    ];
    const rest = ['--allow-leakage', '--subject-prefix=x', '--json'];
    await assert.rejects(evaluate(...words, ...used, ...rest), /expected a matched pair/);
  }));

test('a protocol whose list is missing is refused, and leaves no OUT behind', () =>
  withTempFolder(async (folder) => {
    const [list, out] = [join(folder, 'pairs.txt'), join(folder, 'out')];
    const asked = evaluate(folder, '--protocol', 'lfw', '--pairs-file', list, '--out', out, '--threads', '1');
    await assert.rejects(asked, { name: 'ConfigError', message: /pairs\.txt/ });
    assert.equal(existsSync(out), false);
  }));

test('what only a protocol reads is refused without one', () =>
  withTempFolder(async (folder) => {
    for (const option of ['--pairs-file=pairs.txt', '--kdef-samples=10']) {
      await assert.rejects(evaluate(folder, option, '--out', join(folder, 'out')), {
        name: 'ConfigError',
        code: 'bad-option',
        message: new RegExp(`${option.split('=')[0]}: expected with --protocol`),
      });
    }
  }));

test('more threads than the memory holds are refused, with a protocol and without', () =>
  withTempFolder(async (folder) => {
    for (const protocol of [[], ['--protocol', 'kdef']]) {
      const out = join(folder, 'out');
      await assert.rejects(evaluate(folder, ...protocol, '--threads', '100000', '--out', out), {
        code: 'bad-option',
        message: /^--threads: expected at most \d+, found 100000/,
      });
    }
  }));

describe('posecast evaluate --protocol', { skip: london.skip }, () => {
  it('refuses people of the training, and with --allow-leakage stamps the report', async () => {
    await withTempFolder(async (folder) => {
      const list = writeLfw(join(folder, 'lfw'));
      const out = join(folder, 'out');
      const args = [
        'evaluate',
        join(folder, 'lfw'),
        '--protocol',
        'lfw',
        '--pairs-file',
        list,
        '--fra',
        'fr-feature',
      ];
      const refused = await posecast([...args, '--out', out, '--threads', '1']);
      assert.equal(refused.code, 2, refused.stderr);
      assert.match(refused.stderr, /people are among those the model was trained on/);
      assert.equal(existsSync(join(out, 'evaluation.json')), false);

      const allowed = await posecast([...args, '--out', out, '--threads', '1', '--allow-leakage']);
      assert.equal(allowed.code, 0, allowed.stderr);
      const result = parseProtocolResult(JSON.parse(readFileSync(join(out, 'evaluation.json'), 'utf8')), out);
      assert.equal(result.counts.answered, 12);
      assert.ok(result.defects.length > 0);
      assert.match(readFileSync(join(out, 'report.html'), 'utf8'), /<div class="stamp" role="alert">LEAKAGE/);
    });
  });

  it('an interrupted protocol ends with code 130, and says that nothing of it is kept', async () => {
    await withTempFolder(async (folder) => {
      const list = writeLfw(join(folder, 'lfw'));
      const out = join(folder, 'out');
      const evaluation = startPosecast([
        ...['evaluate', join(folder, 'lfw'), '--protocol', 'lfw', '--pairs-file', list, '--out', out],
      ]);
      while (!evaluation.output().includes('— lfw')) await once(evaluation.child.stderr!, 'data');
      evaluation.child.kill('SIGINT');
      const { code, stderr } = await evaluation.done;
      assert.equal(code, 130, stderr);
      assert.match(stderr, /evaluation stopped; of a protocol nothing is kept \[out=.*out\]\n$/);
    });
  });

  it('a line that is not of the protocol ends with code 2 and names file and line, before anything is embedded', async () => {
    await withTempFolder(async (folder) => {
      const list = join(folder, 'pairs.txt');
      writeFileSync(list, '2\t3\nAnn\t1\n');
      const { code, stderr } = await posecast([
        ...['evaluate', folder, '--protocol', 'lfw', '--pairs-file', list, '--out', join(folder, 'out')],
      ]);
      assert.equal(code, 2);
      assert.match(
        stderr,
        /expected a matched pair: name n1 n2, found "Ann 1" \[file=.*pairs\.txt, line=2\]/,
      );
    });
  });
});
