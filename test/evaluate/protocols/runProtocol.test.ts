import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ProtocolModel } from '../../../src/evaluate/protocols/protocolInput.ts';
import { type ProtocolName, parseProtocolResult } from '../../../src/evaluate/protocols/protocolResult.ts';
import { runProtocol } from '../../../src/evaluate/protocols/runProtocol.ts';
import { openBackend } from '../../../src/fra/backend.ts';
import { openFraModel, shippedFraModel } from '../../../src/fra/fraModel.ts';
import { ConfigError } from '../../../src/shared/errors.ts';
import { openCombiner } from '../../../src/worker/models/combiner.ts';
import { resolvePipelineModels } from '../../../src/worker/models/pipelineModels.ts';
import { type ModelPool, openModelPool } from '../../../src/worker/threads/modelPool.ts';
import { writeKdefFolder } from '../../helpers/kdefFolder.ts';
import { sharedFile } from '../../helpers/photographs.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

const london = sharedFile('data/london');
const cpu = { device: 'cpu', intraOpThreads: 1 } as const;

/** London person i, from 1: the neutral or the smiling photograph. */
const photo = (person: number, smile: boolean) =>
  join(london.path, String(person).padStart(3, '0'), smile ? 'smile.jpg' : 'neutral.jpg');

function copyInto(folder: string, files: Record<string, string>): void {
  for (const [path, from] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    copyFileSync(from, join(folder, path));
  }
}

function write(folder: string, path: string, lines: readonly string[]): string {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), `${lines.join('\n')}\n`);
  return join(folder, path);
}

describe('protocols on made-up copies of their sets', { skip: london.skip }, () => {
  let pool: ModelPool;
  let model: ProtocolModel;
  before(async () => {
    await openBackend('cpu', 1);
    const { models } = await resolvePipelineModels({ detector: 'fr-detect', recognizer: 'fr-feature' });
    pool = await openModelPool(1, { pipeline: { models, aligned: false, ...cpu } });
    const fra = await openFraModel(shippedFraModel('fr-feature'));
    model = { id: 'fr-feature', model: fra, combiner: await openCombiner(fra.paths.combiner, cpu) };
  });
  after(async () => {
    await model.combiner.close();
    await pool.close();
  });

  const run = async (
    protocol: ProtocolName,
    corpus: string,
    lists: readonly string[],
    findLeaks: (photographs: readonly string[], subjects: readonly string[]) => readonly string[] = () => [],
  ) => {
    const result = await runProtocol({
      ...{ protocol, corpus, lists, pool, models: [model], variants: 4, seed: 1, samples: 300, findLeaks },
      ...{ recognizer: 'fr-feature', detector: 'fr-detect', command: 'made up', clock: () => 0 },
      ...{ signal: new AbortController().signal, progress: () => undefined },
    });
    return parseProtocolResult(JSON.parse(JSON.stringify(result)), 'made up');
  };

  /** Two photographs of each of six people, two folds. */
  const lfw = (folder: string) => {
    const names = ['Ann_A', 'Ben_B', 'Cyd_C', 'Dee_D', 'Eve_E', 'Fay_F'];
    for (const [i, name] of names.entries()) {
      copyInto(folder, {
        [`${name}/${name}_0001.jpg`]: photo(i + 1, false),
        [`${name}/${name}_0002.jpg`]: photo(i + 1, true),
      });
    }
    const fold = (three: readonly string[]) => [
      ...three.map((name) => `${name}\t1\t2`),
      ...three.map((name, i) => `${name}\t1\t${three[(i + 1) % 3]}\t2`),
    ];
    return write(folder, 'pairs.txt', ['2\t3', ...fold(names.slice(0, 3)), ...fold(names.slice(3))]);
  };

  it('LFW: every pair of frontal London photographs is told apart, without and with variants', async () => {
    await withTempFolder(async (folder) => {
      const { rows, counts, measures, notes } = await run('lfw', folder, [lfw(folder)]);
      assert.deepEqual(counts, { photographs: 12, usable: 12, rejected: {}, asked: 12, answered: 12 });
      assert.deepEqual(
        measures.map(({ name }) => name),
        ['accuracy', 'EER'],
      );
      assert.deepEqual(
        rows.map(({ id, kind }) => `${id} ${kind}`),
        ['none none', 'fr-feature generator', 'jitter-fr-feature rival'],
      );
      for (const { values } of rows) assert.equal(values.EER?.value, 0);
      assert.equal(rows[0]!.values.accuracy?.difference, undefined);
      assert.equal(rows[1]!.values.EER?.difference?.value, 0);
      assert.match(notes.join(' '), /Never run on the real set/);
    });
  });

  it('a missing photograph and one without a face leave their pairs out, and the notes say so', async () => {
    await withTempFolder(async (folder) => {
      const list = lfw(folder);
      writeFileSync(join(folder, 'Ann_A', 'Ann_A_0002.jpg'), 'not an image');
      const { counts, notes } = await run('lfw', folder, [list]);
      // Ann's second photograph is in one same pair and one different pair.
      assert.deepEqual([counts.asked, counts.answered, counts.usable], [12, 10, 11]);
      assert.match(notes.join(' '), /2 of 12 pairs were left out/);
      assert.equal(
        Object.values(counts.rejected).reduce((a, b) => a + b, 0),
        1,
      );
    });
  });

  it('a fold without a compared pair is none, and the intervals say over how many folds they are', async () => {
    await withTempFolder(async (folder) => {
      const list = lfw(folder);
      const { intervals, ...whole } = await run('lfw', folder, [list]);
      assert.equal(intervals, '95 %, jackknife over the 2 folds of the list; differences are paired by fold');
      const [, ...lines] = readFileSync(list, 'utf8').trimEnd().split('\n');
      const gone = lines.map((line) => line.replaceAll(/[A-Z]\w+/g, 'Gone_$&'));
      const longer = write(folder, 'pairs.txt', ['4\t3', ...gone, ...lines]);
      const result = await run('lfw', folder, [longer]);
      assert.deepEqual(result.rows, whole.rows);
      assert.equal(
        result.intervals,
        '95 %, jackknife over the 2 of 4 folds of the list that have a compared pair; differences are paired by fold',
      );
    });
  });

  it('people whom a model was trained on stop the run before anything is compared', async () => {
    await withTempFolder(async (folder) => {
      const refuse = (photographs: readonly string[], subjects: readonly string[]) => {
        assert.equal(photographs.length, 12);
        throw new ConfigError('leakage', `found ${subjects.join(' ')}`);
      };
      await assert.rejects(run('lfw', folder, [lfw(folder)], refuse), {
        code: 'leakage',
        message: 'found Ann_A Ben_B Cyd_C Dee_D Eve_E Fay_F',
      });
    });
  });

  it('CFP: frontal with profile by number, CPLFW: by labelled lines', async () => {
    await withTempFolder(async (folder) => {
      const images: Record<string, string> = {};
      for (let person = 1; person <= 4; person++) {
        images[`Data/Images/00${person}/frontal/01.jpg`] = photo(person, false);
        images[`Data/Images/00${person}/profile/01.jpg`] = photo(person, true);
      }
      copyInto(folder, images);
      const people = [1, 2, 3, 4];
      write(
        folder,
        'Protocol/Pair_list_F.txt',
        people.map((i) => `${i} ../Data/Images/00${i}/frontal/01.jpg`),
      );
      write(
        folder,
        'Protocol/Pair_list_P.txt',
        people.map((i) => `${i} ../Data/Images/00${i}/profile/01.jpg`),
      );
      for (const [split, a, b] of [
        ['01', 1, 2],
        ['02', 3, 4],
      ] as const) {
        write(folder, `Protocol/Split/FP/${split}/same.txt`, [`${a},${a}`, `${b},${b}`]);
        write(folder, `Protocol/Split/FP/${split}/diff.txt`, [`${a},${b}`, `${b},${a}`]);
      }
      const cfp = await run('cfp-fp', folder, [join(folder, 'Protocol')]);
      assert.deepEqual([cfp.counts.asked, cfp.rows[0]!.values.EER?.value], [8, 0]);

      const lines = [1, 2, 3, 4].flatMap((i) => [
        ...[`Data/Images/00${i}/frontal/01.jpg 1`, `Data/Images/00${i}/profile/01.jpg 1`],
        ...[`Data/Images/00${i}/frontal/01.jpg 0`, `Data/Images/00${(i % 4) + 1}/profile/01.jpg 0`],
      ]);
      const cplfw = await run('cplfw', folder, [write(folder, 'pairs_CPLFW.txt', lines)]);
      assert.deepEqual([cplfw.counts.asked, cplfw.rows[0]!.values.EER?.value], [8, 0]);
    });
  });

  it('IJB: templates are pooled and compared, and variants go to the enrolled one', async () => {
    await withTempFolder(async (folder) => {
      const members: string[] = [];
      for (let person = 1; person <= 5; person++) {
        // A template of two media, and one of a single photograph.
        copyInto(folder, {
          [`${person}a.jpg`]: photo(person, false),
          [`${person}b.jpg`]: photo(person, true),
          [`${person}c.jpg`]: photo(person, true),
        });
        members.push(
          `${person}a.jpg ${person} 1`,
          `${person}b.jpg ${person} 2`,
          `${person}c.jpg ${100 + person} 3`,
        );
      }
      writeFileSync(join(folder, '9.jpg'), 'not an image');
      members.push('9.jpg 109 9');
      const pairs = [1, 2, 3, 4, 5].flatMap((a) =>
        [1, 2, 3, 4, 5].map((b) => `${a} ${100 + b} ${Number(a === b)}`),
      );
      const { counts, rows, measures } = await run('ijb', folder, [
        write(folder, 'face_tid_mid.txt', members),
        write(folder, 'template_pair_label.txt', [...pairs, '1 109 0']),
      ]);
      assert.deepEqual([counts.photographs, counts.usable, counts.asked, counts.answered], [16, 15, 26, 25]);
      assert.equal(rows[0]!.values.EER?.value, 0);
      assert.equal(rows[1]!.values.EER?.value, 0);
      assert.ok(measures.some(({ name }) => name === 'EER'));
    });
  });

  it('KDEF: both forms run on a made-up folder and say that they never saw the real set', async () => {
    await withTempFolder(async (folder) => {
      await writeKdefFolder(folder, london.path, 4);
      writeFileSync(join(folder, 'AF01', 'AF31V.JPG'), 'not a name of the set');
      for (const protocol of ['kdef', 'kdef-published'] as const) {
        const { rows, measures, defects, notes, counts } = await run(protocol, folder, []);
        assert.deepEqual(
          rows.map(({ id }) => id),
          ['none', 'fr-feature', 'jitter-fr-feature', 'ridge', 'jitter-ridge'],
        );
        assert.deepEqual(
          measures.map(({ name }) => name),
          ['identity', 'pose', 'emotion'],
        );
        for (const { values } of rows) assert.ok(values.identity!.value >= 0 && values.identity!.value <= 1);
        assert.equal(defects.length > 0, protocol === 'kdef-published');
        assert.match(notes[0]!, /never run on the real set/);
        assert.equal(counts.rejected['bad-kdef-name'], 1);
        assert.equal(counts.asked, 4);
      }
    });
  });

  it('lists that a protocol does not take are named', async () => {
    await assert.rejects(run('lfw', '/nowhere', []), {
      code: 'bad-protocol',
      message: /--pairs-file must name pairs\.txt \[found=nothing\]/,
    });
    await assert.rejects(run('ijb', '/nowhere', ['one.txt']), { code: 'bad-protocol' });
    await assert.rejects(run('kdef', '/nowhere', ['one.txt']), { code: 'bad-protocol' });
  });
});
