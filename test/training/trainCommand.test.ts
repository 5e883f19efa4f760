import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { appendFile, cp, mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { openFraModel } from '../../src/fra/fraModel.ts';
import { subjectDigest } from '../../src/fra/training/splitSubjects.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { sha256Hex } from '../../src/shared/sha256.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { sharedFile } from '../helpers/photographs.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const umist = sharedFile('data/umist');

/** One photograph each of eight sample people. */
async function smallCorpus(folder: string): Promise<string> {
  const corpus = join(folder, 'corpus');
  const samples = join(packageRoot, 'samples', 'london');
  const people = (await readdir(samples, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  for (const { name } of people.slice(0, 8)) {
    await mkdir(join(corpus, name), { recursive: true });
    const [photograph] = (await readdir(join(samples, name))).sort();
    await cp(join(samples, name, photograph!), join(corpus, name, photograph!));
  }
  return corpus;
}

/** A first training of one step, whose autoencoder and samples the other trainings here take. */
let folder = '';
let corpus = '';
let tiny = '';
let people: readonly string[] = [];
let flags: readonly string[] = [];
let firstOutput = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posecast-train-'));
  corpus = await smallCorpus(folder);
  tiny = join(folder, 'tiny');
  people = await readdir(corpus);
  flags = [
    ...['--exclude-subjects', people[0]!, '--invented-people', '2', '--data-licence', 'CC BY 4.0'],
    ...['--autoencoder-steps', '1', '--combiner-steps', '1'],
  ];
  const { code, stdout, stderr } = await posecast(['train', corpus, '--out', tiny, ...flags]);
  assert.equal(code, 0, stderr);
  firstOutput = stdout;
});
after(() => rm(folder, { recursive: true, force: true }));

/** A training into a folder of this name that takes what the first one made. */
function trainFurther(name: string, ...more: string[]): ReturnType<typeof posecast> {
  return posecast(['train', corpus, '--out', join(folder, name), ...flags, '--autoencoder', tiny, ...more]);
}

test('train makes a model that opens, without the excluded person, and --resume finds it finished', async () => {
  assert.match(firstOutput, /right person first/);
  const { card, bank } = await openFraModel(tiny);
  assert.equal(card.name, 'tiny');
  assert.equal(card.training.licence, 'CC BY 4.0');
  assert.match(card.training.command, /^posecast train .* --data-licence 'CC BY 4\.0' /);
  assert.equal(card.training.subjects + card.training.validationSubjects, 7);
  assert.deepEqual(card.training.subjectDigests, people.slice(1).map(subjectDigest).sort());
  assert.equal(card.training.autoencoderSteps, 1);
  assert.ok(card.training.renders > 50, `${card.training.renders} renders`);
  assert.ok(bank.yaw.some((yaw) => yaw > 30) && bank.yaw.some((yaw) => yaw < -30));
  const log = (await readFile(join(tiny, 'training-log.jsonl'), 'utf8')).trim().split('\n');
  assert.deepEqual(
    log.map((line) => (JSON.parse(line) as { stage: string }).stage),
    ['autoencoder', 'combiner'],
  );
  assert.deepEqual((await readdir(join(tiny, 'pictures'))).sort(), [
    'embeddings.png',
    'invented.png',
    'losses.png',
    'reconstruction.png',
    'renders.png',
  ]);
  const sheets = await Promise.all(
    ['renders', 'invented'].map((name) => sharp(join(tiny, 'pictures', `${name}.png`)).metadata()),
  );
  assert.ok(sheets[0]!.height! > 2 * sheets[1]!.height!, 'seven people were rendered, two invented');

  const again = await posecast(['train', corpus, '--out', tiny, ...flags]);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /--resume/);
  // What an interruption leaves of the line that was being written.
  await appendFile(join(tiny, 'training-log.jsonl'), log[1]!.slice(0, 40));
  const resumed = await posecast(['train', corpus, '--out', tiny, ...flags, '--resume']);
  assert.equal(resumed.code, 0, resumed.stderr);
  const second = (await openFraModel(tiny)).card;
  assert.deepEqual({ ...second, training: null }, { ...card, training: null });
  assert.equal(second.training.command, card.training.command);
});

test('a training that is stopped while the corpus is listed does not name --resume, which would find nothing', () =>
  withTempFolder(async (place) => {
    const [out, names] = [join(place, 'out'), join(place, 'names')];
    execFileSync('mkfifo', [names]);
    const training = startPosecast(['train', corpus, '--out', out, '--exclude-subjects', names]);
    // Opens when the training reads it, and ends it with nobody named once it is stopped.
    const writer = await open(names, 'w');
    training.child.kill('SIGINT');
    while (!training.output().includes('SIGINT')) await once(training.child.stderr!, 'data');
    await writer.close();
    const { code, stderr } = await training.done;
    assert.equal(code, 130, stderr);
    assert.match(
      stderr,
      /training stopped; nothing was kept yet, so that the same command begins anew \[out=/,
    );
    assert.equal(existsSync(out), false);
  }));

test('other generators take the autoencoder and the samples of a first training', async () => {
  const { card } = await openFraModel(tiny);
  const ridge = await trainFurther('ridge', '--generator', 'ridge', '--yaw-knots=-30,0,30');
  assert.equal(ridge.code, 0, ridge.stderr);
  assert.doesNotMatch(ridge.stderr, /rejected/, 'samples were collected again');
  const linear = (await openFraModel(join(folder, 'ridge'))).card;
  assert.equal(linear.architecture.combiner.kind, 'ridge');
  assert.deepEqual([linear.training.combinerSteps, linear.training.loss], [null, null], 'it is solved');
  for (const name of ['renders', 'invented']) {
    const [first, taken] = await Promise.all(
      [tiny, join(folder, 'ridge')].map((of) => readFile(join(of, 'pictures', `${name}.png`))),
    );
    assert.deepEqual(taken, first);
  }
  assert.deepEqual(linear.files['encoder.onnx'], card.files['encoder.onnx']);
  assert.equal(linear.training.autoencoderFrom, card.files['encoder.onnx'].sha256);
  assert.ok(linear.training.choices.some((line) => line.includes('penalty')));
  assert.ok(linear.architecture.cost.parameters < card.architecture.cost.parameters);

  const parts = `${join(folder, 'ridge')},${tiny}`;
  const mixed = await trainFurther('mixture', '--generator', 'mixture', '--parts', parts);
  assert.equal(mixed.code, 0, mixed.stderr);
  const mixture = (await openFraModel(join(folder, 'mixture'))).card;
  assert.equal(mixture.architecture.combiner.kind, 'mixture');
  assert.deepEqual([mixture.training.combinerSteps, mixture.training.loss], [null, null]);
  assert.ok(mixture.metrics.combiner.retrieval.loss <= linear.metrics.combiner.retrieval.loss + 1e-6);

  const few = ['--generator', 'mean-offset', '--yaw-knots=-30,0,30'];
  const divided = await trainFurther('divided', ...few, '--seed', '9');
  assert.equal(divided.code, 2);
  assert.match(divided.stderr, /same validation people/);
});

test('a closed form with too few faces for its knots is refused before the autoencoder is trained', async () => {
  const refused = await trainFurther('sparse', '--generator', 'mean-offset');
  assert.equal(refused.code, 2, refused.stderr);
  assert.match(refused.stderr, /expected 24 faces of 4 people near one of the yaw knots.*knots=-75,-60/);
  assert.doesNotMatch(refused.stderr, /— autoencoder/);
});

test('a model has learnt from everybody whom the models that it takes parts of have learnt from', async () => {
  const [left, trained] = people;
  const others = ['--exclude-subjects', `${left},${trained}`];
  for (const [name, from] of Object.entries({ second: tiny, third: join(folder, 'second') })) {
    const { code, stderr } = await trainFurther(
      ...[name, '--generator', 'mean-offset', '--yaw-knots=-30,0,30', '--autoencoder', from],
      ...others,
    );
    assert.equal(code, 0, stderr);
  }
  const first = (await openFraModel(tiny)).card.training;
  const third = (await openFraModel(join(folder, 'third'))).card.training;
  assert.equal(third.subjects + third.validationSubjects, 6);
  assert.ok(third.subjectDigests.includes(subjectDigest(trained!)));
  for (const list of ['subjectDigests', 'photographDigests', 'cropHashes'] as const) {
    assert.deepEqual(third[list], first[list], list);
  }
});

for (const form of ['yaw', 'landmarks', 'none']) {
  test(`posture form ${form} is trained on, recorded, and in the posture bank; loss terms can be left out`, async () => {
    const asked = ['--posture', form, '--without', 'pose,alignment', '--train-people', '4'];
    const trained = await trainFurther(form, ...asked, '--identity-residual', 'off');
    assert.equal(trained.code, 0, trained.stderr);
    const { card, bank } = await openFraModel(join(folder, form));
    assert.equal(card.architecture.posture, form);
    assert.deepEqual(card.training.without, ['pose', 'alignment']);
    assert.equal(card.training.peopleLimit, 4);
    assert.equal(card.training.subjects, 4);
    const { combiner } = card.architecture;
    assert.ok(combiner.kind === 'vit' && !combiner.identityResidual && combiner.normalizeOutput);
    assert.equal(
      bank.codes.some((value) => value !== 0),
      form !== 'none',
    );
    const log = await readFile(join(folder, form, 'training-log.jsonl'), 'utf8');
    assert.deepEqual(Object.keys((JSON.parse(log.trim()) as { losses: object }).losses), [
      'identity',
      'photograph',
    ]);
  });
}

test('--resume with anything else that changes the model is refused with the difference, and nothing in OUT is touched', async () => {
  const other = join(folder, 'other-autoencoder');
  await mkdir(other);
  await cp(join(tiny, 'work'), join(other, 'work'), {
    recursive: true,
    filter: (path) => !path.endsWith('.checkpoint'),
  });
  const further = [
    '--autoencoder-steps',
    '2',
    '--generator',
    'mean-offset',
    '--yaw-knots=-30,0,30',
    '--resume',
  ];
  const made = await posecast(['train', corpus, '--out', other, ...flags, ...further]);
  assert.equal(made.code, 0, made.stderr);
  const cases: readonly [string[], RegExp][] = [
    [['--posture', 'none'], /generator\.posture: "code" there, "none" asked;/],
    [['--train-people', '4'], /peopleLimit: null there, 4 asked;/],
    [['--autoencoder', other], /autoencoder\.from: null there, "[^"]+" asked;/],
    [
      ['--generator', 'mean-offset', '--yaw-knots=-30,0,30'],
      /generator\.kind: "vit" there, "mean-offset" asked;/,
    ],
    [['--seed', '9'], /seed: 0 there, 9 asked;/],
    [['--invented-people', '1'], /inventedPeople: 2 there, 1 asked;/],
    [['--exclude-subjects', `${people[0]},${people[1]}`], /people: 7 there, 6 asked;/],
  ];
  const untouched = await contentsOf(tiny);
  for (const [more, reason] of cases) {
    const { code, stderr } = await posecast(['train', corpus, '--out', tiny, ...flags, ...more, '--resume']);
    assert.equal(code, 2, stderr);
    assert.match(stderr, reason);
    assert.deepEqual(await contentsOf(tiny), untouched);
  }
});

/** sha256 of every file below a folder, by its path. */
async function contentsOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [path, sha256Hex(await readFile(path))] as const)),
  );
}

const ALONE = ['--renders', 'off', '--autoencoder-steps', '1', '--combiner-steps', '1'];

test('without renders a corpus of one photograph of each person is refused: it makes no pairs', async () => {
  const refused = await posecast(['train', corpus, '--out', join(folder, 'no-pairs'), ...ALONE]);
  assert.equal(refused.code, 2, refused.stderr);
  assert.match(refused.stderr, /people at several poses.*--renders is off/);
});

test(
  'without renders a model learns from photographs of turned people alone, and its card says so',
  umist,
  async () => {
    const turned = join(folder, 'turned');
    for (const person of ['s01', 's02', 's03', 's04', 's05', 's06', 's07', 's08']) {
      for (const name of ['03', '07', '11', '15', '19']) {
        await cp(join(umist.path, person, `${name}.pgm`), join(turned, person, `${name}.pgm`));
      }
    }
    const out = join(folder, 'alone');
    const trained = await posecast(['train', turned, '--out', out, ...ALONE]);
    assert.equal(trained.code, 0, trained.stderr);
    const { training } = (await openFraModel(out)).card;
    assert.ok(training.photographs > 30, `${training.photographs} photographs`);
    assert.equal(training.renders, 0);
    assert.match(training.command, / --renders off /);
    assert.deepEqual((await readdir(join(out, 'pictures'))).sort(), [
      'embeddings.png',
      'losses.png',
      'reconstruction.png',
    ]);
  },
);

test('of a list of people to leave out, those in the corpus are left out, and the others named', async () => {
  await withTempFolder(async (own) => {
    const list = join(own, 'test-people.txt');
    await writeFile(list, `${people[0]}\r\n${people[1]}\n\nsomebody\n`);
    const { code, stderr } = await trainFurther('listed', '--exclude-subjects', list, '--seed', '9');
    assert.equal(code, 2, stderr);
    assert.match(stderr, /2 people left out; not in the corpus: somebody\n6 people/);
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
    const few = (await readdir(corpus)).slice(3).join(',');
    const cases: readonly [string[], RegExp][] = [
      [[corpus, '--out', out, '--exclude-subjects', few], /at least 6 people.*found=3/],
      [[corpus, '--out', out, '--autoencoder', empty], /found neither/],
      [[join(folder, 'nowhere'), '--out', out], /expected a folder/],
      [[empty, '--out', out], /found none/],
      [[corpus, '--out', full], /empty folder/],
      [[corpus, '--out', out, '--resume'], /found none/],
      [[corpus, '--out', out, '--recognizer', 'nobody'], /nobody/],
      [[corpus, '--out', out, '--loss', 'mine'], /n-pair/],
      [[corpus, '--out', out, '--generator', 'magic'], /vit-late/],
      [[corpus, '--out', out, '--generator', 'mixture'], /--parts/],
      [[corpus, '--out', out, '--generator', 'mixture', '--parts='], /--parts.*not blank/],
      [[corpus, '--out', out, '--without', 'everything'], /alignment/],
      [[corpus, '--out', out, '--renders', 'few'], /on, off/],
      [[corpus, '--out', out, '--renders', 'off', '--invented-people', '5'], /--invented-people 0.*found=5/],
      [[corpus, '--out', out, '--yaw-knots', '30,0'], /ascending/],
      [[corpus, '--out', out, '--autoencoder-steps', '0'], /--autoencoder-steps.*whole number, 1 or more/],
      [[corpus, '--out', out, '--combiner-steps', '0'], /--combiner-steps.*whole number, 1 or more/],
      [[corpus, '--out', out, '--seed', '1e20'], /--seed.*whole number/],
      [[corpus, '--out', out, '--seed', ''], /--seed.*whole number/],
      [[corpus, '--out', out, '--data-licence', ''], /--data-licence.*not blank/],
      [[corpus, '--out', out, '--data-name', ' '], /--data-name.*not blank/],
      [[corpus, '--out', out, '--limit', ''], /--limit.*not blank/],
      [[corpus, '--out', join(folder, 'My_model')], /lower-case.*My_model/],
      [[corpus, '--out', out, '--exclude-subjects', 'test-poeple.txt'], /a file.*test-poeple\.txt/],
      [[corpus, '--out', out, '--exclude-subjects', '001,00l'], /found=00l/],
      [[corpus, '--out', out, '--exclude-subjects', empty], /found nobody named/],
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
