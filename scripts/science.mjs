// Every model and table of docs/science.md, from photographs (hours on two cores; what is there already is kept):
//
//   npm run build && node scripts/science.mjs DATA OUT [RECOGNISER] [--autoencoder MODEL]
//
// DATA holds london/ (learnt from, without the people of samples/), umist/ (tested) and orl/ (distractors), a folder
// per person each. --autoencoder: taken from that FRA model, in place of training one. OUT/RECOGNISER/NAME are the
// models, OUT/RECOGNISER-main and OUT/RECOGNISER-ablations the reports.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { autoencoder: { type: 'string' } },
});
const [data, out, recognizer = 'fr-feature'] = positionals;
if (data === undefined || out === undefined) {
  console.error('expected DATA and OUT: node scripts/science.mjs DATA OUT [RECOGNISER]');
  process.exit(2);
}
const folder = join(out, recognizer);
/** All of it is trained for one recogniser, candidates for shipping for others, with the first one's autoencoder. */
const all = recognizer === 'fr-feature';

/** The samples of the first one, and its autoencoder, are those of all others. */
const MAIN = {
  ridge: ['--generator', 'ridge'],
  'mean-offset': ['--generator', 'mean-offset'],
  'vit-late': ['--generator', 'vit-late'],
  vit: ['--generator', 'vit'],
  mixture: [
    '--generator',
    'mixture',
    '--parts',
    ['ridge', 'vit-late'].map((name) => join(folder, name)).join(),
  ],
  'residual-mlp': ['--generator', 'residual-mlp'],
  'vit-prefix': ['--generator', 'vit-prefix'],
  'vit-published': ['--generator', 'vit-published'],
};
const CANDIDATES = ['ridge', 'vit-late', 'mixture'];
/** One thing changed in the late-fusion form, or in the published one where that is what it is about. */
const late = (...flags) => ['--generator', 'vit-late', ...flags];
const ABLATIONS = {
  'no-code-yaw-only': late('--posture', 'yaw'),
  'no-autoencoder-landmarks': late('--posture', 'landmarks'),
  'no-posture': late('--posture', 'none'),
  'no-identity-residual': late('--identity-residual', 'off'),
  'no-unit-length': late('--normalize-output', 'off'),
  'triplet-loss': late('--loss', 'triplet'),
  'without-identity-term': late('--without', 'identity'),
  'without-pose-term': late('--without', 'pose'),
  'without-photograph-term': late('--without', 'photograph'),
  'without-alignment-term': late('--without', 'alignment'),
  'people-16': late('--train-people', '16'),
  'people-33': late('--train-people', '33'),
  'vit-published-triplet': ['--generator', 'vit-published', '--loss', 'triplet'],
};
const london = [
  join(data, 'london'),
  ...['--exclude-subjects', 'samples/london', '--recognizer', recognizer],
  ...[
    '--data-name',
    'Face Research Lab London Set, 78 people (photographs, renders of them and of invented people)',
  ],
  ...['--data-licence', 'CC BY 4.0'],
  ...['--data-credit', 'DeBruine, L. & Jones, B. (2017), Face Research Lab London Set, figshare 5047666'],
];

function posecast(...args) {
  console.error(
    `\nposecast ${args.map((word) => (/\s/.test(word) ? JSON.stringify(word) : word)).join(' ')}`,
  );
  const { status } = spawnSync(process.execPath, ['bin/posecast.js', ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

function train(name, flags) {
  const model = join(folder, name);
  if (existsSync(join(model, 'card.json'))) return;
  const first = all ? values.autoencoder : join(out, 'fr-feature', 'ridge');
  const drawn = name === 'ridge' ? first : join(folder, 'ridge');
  const shared = drawn === undefined ? [] : ['--autoencoder', drawn];
  const resume = existsSync(join(model, 'work')) ? ['--resume'] : [];
  mkdirSync(folder, { recursive: true });
  posecast('train', ...london, ...shared, ...flags, '--name', name, '--out', model, ...resume);
}

function evaluate(name, models) {
  const report = `${folder}-${name}`;
  if (existsSync(join(report, 'evaluation.json'))) return;
  posecast(
    'evaluate',
    join(data, 'umist'),
    ...['--distractors', join(data, 'orl'), '--recognizer', recognizer],
    ...['--pairs', join(folder, 'ridge', 'work', 'samples.arrow')],
    ...models.flatMap((model) => ['--fra', join(folder, model)]),
    ...['--out', report],
  );
}

const candidates = Object.keys(MAIN).filter((name) => all || CANDIDATES.includes(name));
for (const name of candidates) train(name, MAIN[name]);
evaluate('main', candidates);
if (all) {
  for (const [name, flags] of Object.entries(ABLATIONS)) train(name, flags);
  evaluate('ablations', ['vit-late', ...Object.keys(ABLATIONS)]);
}
