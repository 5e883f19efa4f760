import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readCfpPairs } from '../../../src/evaluate/protocols/cfpPairs.ts';
import { readTemplateFaces, readTemplatePairs } from '../../../src/evaluate/protocols/ijbLists.ts';
import { readLabelledPairs } from '../../../src/evaluate/protocols/labelledPairs.ts';
import { readLfwPairs } from '../../../src/evaluate/protocols/lfwPairs.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Runs with `files` written into a folder. */
async function withFiles<T>(files: Record<string, string>, run: (folder: string) => Promise<T>): Promise<T> {
  return withTempFolder(async (folder) => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return run(folder);
  });
}

/** Whatever is wrong with a list, the error names the file, the line, and what was found there. */
async function assertBadLine(reading: Promise<unknown>, line: number, message: RegExp): Promise<void> {
  await assert.rejects(
    reading,
    (error: { code?: string; message: string; facts?: Record<string, unknown> }) => {
      assert.equal(error.code, 'bad-pair-list');
      assert.match(error.message, message);
      assert.equal(error.facts?.line, line, error.message);
      assert.match(String(error.facts?.file), /\.txt$/);
      return true;
    },
  );
}

describe('LFW pairs', () => {
  const list = [
    ['2\t2', 'Ann_B\t1\t4', 'Cy\t2\t10', 'Ann_B\t1\tCy\t3', 'Cy\t1\tDee\t1'],
    ['Dee\t1\t2', 'Eve\t2\t3', 'Dee\t1\tEve\t3', 'Eve\t1\tFay\t1', ''],
  ].flat();
  const read = (lines: readonly string[], end = '\n') =>
    withFiles({ 'pairs.txt': lines.join(end) }, (folder) => readLfwPairs(join(folder, 'pairs.txt')));

  it('a set has its matched pairs first, and a number is a photograph with four digits', async () => {
    const { pairs, folds } = await read(list);
    assert.equal(folds, 2);
    assert.deepEqual(
      pairs.map(({ fold, same }) => `${fold}${same ? '=' : '/'}`),
      ['0=', '0=', '0/', '0/', '1=', '1=', '1/', '1/'],
    );
    assert.deepEqual(pairs[0], {
      fold: 0,
      same: true,
      first: 'Ann_B/Ann_B_0001.jpg',
      second: 'Ann_B/Ann_B_0004.jpg',
    });
    assert.equal(pairs[2]!.second, 'Cy/Cy_0003.jpg');
  });

  it('blanks, line ends of Windows and a byte order mark change nothing', async () => {
    const plain = await read(list);
    assert.deepEqual(await read(list, '\r\n'), plain);
    assert.deepEqual(
      await read([`\uFEFF${list[0]}`, ...list.slice(1).map((line) => line.replaceAll('\t', '  '))]),
      plain,
    );
  });

  it('a development list has no folds and is cut into tenths', async () => {
    const same = Array.from({ length: 20 }, (_, i) => `Ann\t${i + 1}\t${i + 2}`);
    const different = Array.from({ length: 20 }, (_, i) => `Ann\t${i + 1}\tBen\t1`);
    const { pairs, folds } = await read(['20', ...same, ...different]);
    assert.equal(folds, 10);
    for (let fold = 0; fold < 10; fold++) {
      assert.deepEqual(
        pairs.filter((pair) => pair.fold === fold).map((pair) => pair.same),
        [true, true, false, false],
      );
    }
  });

  it('a wrong line is named with what was expected and what is there', async () => {
    const changed = (line: number, text: string) => read(list.map((one, i) => (i === line - 1 ? text : one)));
    await assertBadLine(changed(1, 'ten sets of'), 1, /expected the number of sets and of matched pairs/);
    await assertBadLine(changed(2, 'Ann_B 1'), 2, /expected a matched pair: name n1 n2, found "Ann_B 1"/);
    await assertBadLine(changed(4, 'Ann_B 1 4'), 4, /expected a mismatched pair/);
    await assertBadLine(changed(3, 'Cy 2 ten'), 3, /expected the number of a photograph .*found "ten"/);
    await assertBadLine(changed(3, 'Cy 0 1'), 3, /found "0"/);
    await assertBadLine(changed(4, 'Cy 1 Cy 3'), 4, /expected two different people/);
    await assertBadLine(changed(2, '../etc 1 2'), 2, /expected a name/);
    await assertBadLine(read([...list, 'Gil 1 2']), 11, /expected the end of the file after 8 pairs/);
    await assertBadLine(
      read(list.slice(0, 8)),
      8,
      /expected 8 pairs as the first line says, found "7 pairs"/,
    );
    await assertBadLine(read(['']), 1, /found "an empty file"/);
  });

  it('a list that is not there is an error that names it', async () => {
    await assert.rejects(readLfwPairs('/nowhere/pairs.txt'), {
      code: 'no-pair-list',
      message: /\/nowhere\/pairs\.txt/,
    });
  });
});

describe('CFP pairs', () => {
  const files = (changes: Record<string, string> = {}) => ({
    'Protocol/Pair_list_F.txt': '1 ../Data/Images/001/frontal/01.jpg\n2 ../Data/Images/002/frontal/07.jpg\n',
    'Protocol/Pair_list_P.txt': '1 ../Data/Images/001/profile/01.jpg\n2 ../Data/Images/002/profile/02.jpg\n',
    'Protocol/Split/FP/01/same.txt': '1,1\n',
    'Protocol/Split/FP/01/diff.txt': '1,2\n',
    'Protocol/Split/FP/02/same.txt': '2,2\n',
    'Protocol/Split/FP/02/diff.txt': '2,1\n',
    'Protocol/Split/FF/01/same.txt': '1,1\n',
    'Protocol/Split/FF/01/diff.txt': '1,2\n',
    'Protocol/Split/FF/10/same.txt': '2,2\n',
    'Protocol/Split/FF/10/diff.txt': '2,1\n',
    ...changes,
  });
  const read = (kind: 'FF' | 'FP', changes: Record<string, string> = {}) =>
    withFiles(files(changes), (folder) => readCfpPairs(join(folder, 'Protocol'), folder, kind));

  it('frontal-profile pairs enrol the frontal photograph and ask about the profile', async () => {
    const { pairs, folds } = await read('FP');
    assert.equal(folds, 2);
    assert.deepEqual(pairs[1], {
      fold: 0,
      same: false,
      first: 'Data/Images/001/frontal/01.jpg',
      second: 'Data/Images/002/profile/02.jpg',
    });
    assert.deepEqual((await read('FF')).pairs[1]!.second, 'Data/Images/002/frontal/07.jpg');
  });

  it('a wrong line is named with what was expected and what is there', async () => {
    await assertBadLine(
      read('FP', { 'Protocol/Split/FP/02/diff.txt': '2,9\n' }),
      1,
      /numbers that the pair lists hold/,
    );
    await assertBadLine(
      read('FP', { 'Protocol/Split/FP/01/same.txt': '\n1;1\n' }),
      2,
      /expected number,number/,
    );
    await assertBadLine(
      read('FP', { 'Protocol/Pair_list_P.txt': '1 a.jpg\n1 b.jpg\n' }),
      2,
      /every number once/,
    );
    await assertBadLine(read('FF', { 'Protocol/Pair_list_F.txt': '1 ../../x.jpg\n' }), 1, /a path inside/);
    await assert.rejects(
      withFiles({}, (folder) => readCfpPairs(folder, folder, 'FF')),
      { code: 'no-pair-list' },
    );
  });
});

describe('pairs of labelled lines (CPLFW, CALFW)', () => {
  const read = (lines: readonly string[]) =>
    withFiles({ 'pairs_CPLFW.txt': lines.join('\n') }, (folder) =>
      readLabelledPairs(join(folder, 'pairs_CPLFW.txt')),
    );

  it('two lines are a pair; the label 0 is two people, any other number one', async () => {
    const { pairs, folds } = await read([
      'A_1.jpg 1',
      'A_2.jpg 1',
      'B_1.jpg 7',
      'B_2.jpg 7',
      'A_1.jpg 0',
      'B_2.jpg 0',
      'A_2.jpg 0',
      'B_1.jpg 0',
    ]);
    assert.equal(folds, 2);
    assert.deepEqual(
      pairs.map(({ first, second, same, fold }) => `${fold} ${first} ${second} ${same}`),
      [
        '0 A_1.jpg A_2.jpg true',
        '1 B_1.jpg B_2.jpg true',
        '0 A_1.jpg B_2.jpg false',
        '1 A_2.jpg B_1.jpg false',
      ],
    );
  });

  it('every fold gets a tenth of both kinds whatever the order of the list', async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...Array(30).keys()], { minLength: 30 }), async (order) => {
        const lines = order.flatMap((i) => [`a${i}.jpg ${i % 2}`, `b${i}.jpg ${i % 2}`]);
        const { pairs, folds } = await read(lines);
        assert.equal(folds, 10);
        const sizes = Array.from({ length: 10 }, (_, fold) =>
          [true, false].map(
            (same) => pairs.filter((pair) => pair.fold === fold && pair.same === same).length,
          ),
        );
        assert.ok(
          sizes.flat().every((size) => size === 1 || size === 2),
          JSON.stringify(sizes),
        );
      }),
      { numRuns: 15 },
    );
  });

  it('a wrong line is named with what was expected and what is there', async () => {
    await assertBadLine(read(['A_1.jpg 1', 'A_2.jpg 0']), 2, /expected the label of line 1, found "0"/);
    await assertBadLine(read(['A_1.jpg 1', 'A_2.jpg 1', 'B_1.jpg 0']), 3, /a second line of this pair/);
    await assertBadLine(read(['A_1.jpg']), 1, /expected photograph label, found "A_1.jpg"/);
    await assertBadLine(read(['A_1.jpg same']), 1, /expected a label/);
    await assertBadLine(read(['../A_1.jpg 1']), 1, /a path inside the corpus/);
    await assert.rejects(read(['A_1.jpg 1', 'A_2.jpg 1']), {
      code: 'bad-pair-list',
      message: /same=1, different=0/,
    });
  });
});

describe('IJB lists', () => {
  const faces = '1.jpg 11 5\n2.jpg 11 5\n3.jpg 12 9\n';
  const read = (pairs: string, list = faces) =>
    withFiles({ 'face_tid_mid.txt': list, 'pair_label.txt': pairs }, async (folder) => {
      const members = await collect(readTemplateFaces(join(folder, 'face_tid_mid.txt')));
      const known = new Set(members.map(({ template }) => template));
      return { members, pairs: await collect(readTemplatePairs(join(folder, 'pair_label.txt'), known)) };
    });

  it('photographs belong to templates and media, pairs compare templates', async () => {
    assert.deepEqual(await read('11 12 0\n12 12 1\n'), {
      members: [
        { path: '1.jpg', template: 11, media: 5 },
        { path: '2.jpg', template: 11, media: 5 },
        { path: '3.jpg', template: 12, media: 9 },
      ],
      pairs: [
        { first: 11, second: 12, same: false },
        { first: 12, second: 12, same: true },
      ],
    });
  });

  it('a wrong line is named with what was expected and what is there', async () => {
    await assertBadLine(
      read('11 12 0\n11 13 1\n'),
      2,
      /templates that the list of photographs holds, found "11 13 1"/,
    );
    await assertBadLine(read('11 12 2\n'), 1, /a label: 1 for one person, 0 for two, found "2"/);
    await assertBadLine(read('11 12\n'), 1, /expected template template label/);
    await assertBadLine(read('', '1.jpg 11\n'), 1, /expected photograph template media/);
    await assertBadLine(read('', '1.jpg -1 2\n'), 1, /expected a template .*found "-1"/);
  });
});
