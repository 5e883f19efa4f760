/** `posecast evaluate` on photographs: what it writes, and what it refuses. */
import assert from 'node:assert/strict';
import { access, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { parseEvaluation } from '../../src/evaluate/result.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { posecast } from '../helpers/cli.ts';
import { sharedFile } from '../helpers/photographs.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const samples = join(packageRoot, 'samples', 'london');
const umist = sharedFile('data/umist');
const london = sharedFile('data/london');

/** The first `people` folders of a data set, as a corpus of their own. */
async function copyPeople(from: string, to: string, people: number, skip = 0): Promise<string> {
  const names = (await readdir(from, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const sorted = names.map(({ name }) => name).sort();
  for (const name of sorted.slice(skip, skip + people)) {
    await cp(join(from, name), join(to, name), { recursive: true });
  }
  return to;
}

test('evaluate writes a report and numbers that parse, and says the verdict first', umist, () =>
  withTempFolder(async (folder) => {
    const corpus = await copyPeople(umist.path, join(folder, 'people'), 5, 1);
    const others = await copyPeople(umist.path, join(folder, 'others'), 3, 6);
    // Somebody of both, who has nothing to be tested with: left out of the first.
    const [both = ''] = (await readdir(others)).sort();
    const single = (await readdir(join(others, both))).sort().at(-1)!;
    await mkdir(join(corpus, 'left-out'));
    await cp(join(others, both, single), join(corpus, 'left-out', single));
    const out = join(folder, 'out');
    const words = ['evaluate', corpus, '--distractors', others, '--fra', 'fr-feature', '--out', out];
    const small = ['--recognizer', 'fr-feature', '--folds', '2', '--seeds', '1', '--variants', '4'];
    const first = await posecast([...words, ...small, '--probes', '6', '--tasks', 'verification']);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /FRA fr-feature (helps|hurts|shows no clear effect): identification/);
    const path = join(out, 'evaluation.json');
    const result = parseEvaluation(JSON.parse(await readFile(path, 'utf8')), path);
    assert.deepEqual(
      [result.protocol.classes, result.protocol.evaluatedSubjects, result.leakage.status],
      [8, 5, 'clean'],
    );
    assert.deepEqual(result.corpora[0]!.subjectsLeftOut, ['left-out']);
    assert.deepEqual(result.leakage.models[0]!.checkedBy, ['name', 'photograph', 'look-alike crop']);
    const [{ rows, verdicts, cost }] = result.recognizers as [(typeof result.recognizers)[0]];
    const ids = rows.map(({ id }) => id);
    for (const id of [
      'none',
      'jitter',
      'mirror',
      'render',
      'ridge-real',
      'fr-feature',
      'ridge-leaked',
      'oracle',
    ]) {
      assert.ok(ids.includes(id), id);
    }
    assert.ok(cost.parameters! > 1e6 && cost.multiplyAdds! > 1e8 && cost.perSecond! > 0);
    assert.equal(verdicts[0]!.rowId, 'fr-feature');
    const generator = rows.find(({ id }) => id === 'fr-feature')!;
    assert.ok(generator.cost!.parameters! > 1e5 && generator.metrics.ncm!.difference !== undefined);
    assert.ok(result.warnings.some((warning) => warning.includes('5 people')));
    assert.match(await readFile(join(out, 'report.html'), 'utf8'), /^<!doctype html>/i);
    // The second time embeddings come from OUT/work, and the numbers are the same.
    const again = await posecast([...words, ...small, '--probes', '6', '--tasks', 'verification', '--json']);
    const second = parseEvaluation(JSON.parse(again.stdout), 'stdout');
    const numbers = (list: typeof rows) => list.map(({ cost: _, ...row }) => row);
    assert.deepEqual(numbers(second.recognizers[0]!.rows), numbers(rows));
    assert.deepEqual(second.protocol, result.protocol);
  }),
);

test(
  'training people are refused by name, by photograph and by look-alike, and nothing is measured',
  london,
  () =>
    withTempFolder(async (folder) => {
      const sampled = new Set(await readdir(samples));
      const names = (await readdir(london.path, { withFileTypes: true }))
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name);
      const trained = names.filter((name) => !sampled.has(name)).slice(0, 4);
      const plant = async (to: string, copy: (from: string, to: string, i: number) => Promise<unknown>) => {
        for (const [i, name] of trained.entries()) {
          for (const file of ['neutral.jpg', 'smile.jpg']) {
            const person = join(folder, to, to === 'named' ? name : `person-${i}`);
            await mkdir(person, { recursive: true });
            await copy(join(london.path, name, file), join(person, file), i);
          }
        }
      };
      await plant('named', async (_from, to, i) => writeFile(to, `no photograph ${i}`));
      await plant('renamed', (from, to) => cp(from, to));
      await plant('encoded', (from, to) => sharp(from).resize(400).jpeg({ quality: 60 }).toFile(to));
      for (const [corpus, how] of [
        ['named', /same name.*--subject-prefix/],
        ['renamed', /same photograph, look-alike crop/],
        ['encoded', /same look-alike crop/],
      ] as const) {
        const out = join(folder, `out-${corpus}`);
        const words = ['evaluate', join(folder, corpus), '--fra', 'fr-feature', '--out', out];
        const refused = await posecast([
          ...words,
          '--recognizer',
          'fr-feature',
          '--folds',
          '2',
          '--enrol',
          '1',
        ]);
        assert.equal(refused.code, 2, refused.stderr);
        assert.match(refused.stderr, how);
        assert.match(refused.stderr, /4 people are among those the model was trained on/);
        await assert.rejects(access(join(out, 'evaluation.json')), { code: 'ENOENT' });
      }
      const out = join(folder, 'out-allowed');
      const words = [
        'evaluate',
        join(folder, 'encoded'),
        '--fra',
        'fr-feature',
        '--allow-leakage',
        '--out',
        out,
      ];
      const small = [
        '--folds',
        '2',
        '--seeds',
        '1',
        '--enrol',
        '1',
        '--variants',
        '2',
        '--tasks',
        'verification',
      ];
      const allowed = await posecast([...words, ...small, '--recognizer', 'fr-feature']);
      assert.equal(allowed.code, 0, allowed.stderr);
      assert.match(allowed.stdout, /LEAKAGE/);
      const path = join(out, 'evaluation.json');
      assert.equal(parseEvaluation(JSON.parse(await readFile(path, 'utf8')), path).leakage.status, 'leaked');
      assert.match(await readFile(join(out, 'report.html'), 'utf8'), /LEAKAGE/);
    }),
);

for (const { title, args, says } of [
  { title: 'a corpus that is not there', args: ['nowhere'], says: /nowhere/ },
  {
    title: 'an unknown task',
    args: [samples, '--tasks', 'guessing'],
    says: /Expected some of identification/,
  },
  {
    title: 'pairs that are no samples of a training',
    args: [samples, '--pairs', join(samples, '..', '..', 'package.json')],
    says: /--pairs: expected the samples\.arrow of a training/,
  },
  {
    title: 'a model of a recogniser that is not evaluated',
    args: [samples, '--fra', 'fr-feature', '--recognizer', 'mobilefacenet-192'],
    says: /--fra: expected a model of a recogniser that is evaluated/,
  },
  {
    title: 'a detector in place of a recogniser',
    args: [samples, '--recognizer', 'fr-detect'],
    says: /expected a recognizer of the registry .*, found "fr-detect", a detector/,
  },
] as const) {
  test(`${title} is one clear line, exit code 2, and nothing is written`, () =>
    withTempFolder(async (folder) => {
      const out = join(folder, 'out');
      const result = await posecast(['evaluate', ...args, '--out', out]);
      assert.equal(result.code, 2, result.stdout + result.stderr);
      assert.match(result.stderr, says);
      assert.doesNotMatch(result.stderr, /\n\s+at /);
      await assert.rejects(access(out), { code: 'ENOENT' });
    }));
}
