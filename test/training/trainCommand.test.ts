import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openFraModel } from '../../src/fra/fraModel.ts';
import { subjectDigest } from '../../src/fra/training/splitSubjects.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

/** One photograph each of seven sample people. */
async function smallCorpus(folder: string): Promise<string> {
  const corpus = join(folder, 'corpus');
  const samples = join(packageRoot, 'samples', 'london');
  const people = (await readdir(samples, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  for (const { name } of people.slice(0, 7)) {
    await mkdir(join(corpus, name), { recursive: true });
    const [photograph] = (await readdir(join(samples, name))).sort();
    await cp(join(samples, name, photograph!), join(corpus, name, photograph!));
  }
  return corpus;
}

test('train makes a model that opens, without the excluded person, and --resume finds it finished', async () => {
  await withTempFolder(async (folder) => {
    const corpus = await smallCorpus(folder);
    const out = join(folder, 'tiny');
    const people = await readdir(corpus);
    const flags = ['--exclude-subjects', people[0]!, '--autoencoder-steps', '1', '--combiner-steps', '1'];
    const words = [
      'train',
      corpus,
      '--out',
      out,
      ...flags,
      '--invented-people',
      '2',
      '--data-licence',
      'CC BY 4.0',
    ];
    const trained = await posecast(words);
    assert.equal(trained.code, 0, trained.stderr);
    assert.match(trained.stdout, /right person first/);
    const { card, bank } = await openFraModel(out);
    assert.equal(card.name, 'tiny');
    assert.equal(card.training.licence, 'CC BY 4.0');
    assert.equal(card.training.subjects + card.training.validationSubjects, 6);
    assert.deepEqual(card.training.subjectDigests, people.slice(1).map(subjectDigest).sort());
    assert.equal(card.training.autoencoderSteps, 1);
    assert.ok(card.training.renders > 50, `${card.training.renders} renders`);
    assert.ok(bank.yaw.some((yaw) => yaw > 30) && bank.yaw.some((yaw) => yaw < -30));
    const log = (await readFile(join(out, 'training-log.jsonl'), 'utf8')).trim().split('\n');
    assert.deepEqual(
      log.map((line) => (JSON.parse(line) as { stage: string }).stage),
      ['autoencoder', 'combiner'],
    );
    assert.deepEqual((await readdir(join(out, 'pictures'))).sort(), [
      'embeddings.png',
      'losses.png',
      'reconstruction.png',
    ]);

    const again = await posecast(words);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /--resume/);
    const resumed = await posecast([...words, '--resume']);
    assert.equal(resumed.code, 0, resumed.stderr);
    const second = (await openFraModel(out)).card;
    assert.deepEqual({ ...second, training: null }, { ...card, training: null });
  });
});

test('Ctrl-C during training ends with exit code 130, and says how to go on', async () => {
  await withTempFolder(async (folder) => {
    const corpus = await smallCorpus(folder);
    const training = startPosecast(['train', corpus, '--out', join(folder, 'out')]);
    while (!training.output().includes('samples')) await once(training.child.stderr!, 'data');
    training.child.kill('SIGINT');
    const { code, stderr } = await training.done;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /--resume/);
  });
});

test('requests that cannot be trained end with exit code 2 and one line, and write nothing', async () => {
  await withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    const empty = join(folder, 'empty');
    await mkdir(empty);
    const full = join(folder, 'full');
    await mkdir(full);
    await writeFile(join(full, 'notes.txt'), 'mine');
    const corpus = await smallCorpus(folder);
    const cases: readonly [string[], RegExp][] = [
      [[join(folder, 'nowhere'), '--out', out], /expected a folder/],
      [[empty, '--out', out], /found none/],
      [[corpus, '--out', full], /empty folder/],
      [[corpus, '--out', out, '--resume'], /found none/],
      [[corpus, '--out', out, '--recognizer', 'nobody'], /nobody/],
      [[corpus, '--out', out, '--loss', 'mine'], /n-pair/],
    ];
    for (const [words, reason] of cases) {
      const { code, stderr } = await posecast(['train', ...words]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, reason);
    }
    assert.deepEqual((await readdir(folder)).sort(), ['corpus', 'empty', 'full']);
    assert.deepEqual(await readdir(full), ['notes.txt']);
  });
});

test('--device cuda without a GPU is refused, and nothing is trained on the CPU instead', async (context) => {
  if (existsSync('/dev/nvidiactl')) return context.skip('this machine has a GPU');
  await withTempFolder(async (folder) => {
    const words = ['train', await smallCorpus(folder), '--out', join(folder, 'out'), '--device', 'cuda'];
    const { code, stderr } = await posecast(words);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /tfjs-node-gpu|no GPU/);
    assert.deepEqual(await readdir(folder), ['corpus']);
  });
});
