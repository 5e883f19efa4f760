import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CorpusConfig } from '../../../src/producer/readers/corpusReader.ts';
import { openCorpus } from '../../../src/producer/readers/openCorpus.ts';
import { sampleName } from '../../../src/producer/readers/webdataset/sampleKey.ts';
import { archiveRoot } from '../../../src/shared/corpus/archivePattern.ts';
import type { FaceRecord } from '../../../src/shared/face.ts';
import { compareFaces } from '../../../src/shared/listing/listingOrder.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';
import { collect } from '../corpusFiles.ts';
import { END, gnuTar, member, noGnuTar, writeTar } from '../tar/tars.ts';

interface Listed {
  readonly faces: FaceRecord[];
  readonly ignored: ReadonlyMap<string, number>;
  readonly notes: readonly string[];
}

async function list(corpus: string, options: Partial<CorpusConfig> = {}): Promise<Listed> {
  const imageRoot = corpus.includes('.tar') ? archiveRoot(corpus) : corpus;
  const reader = await openCorpus({ corpus, imageRoot, corpusFormat: 'webdataset', ...options });
  const faces = await collect(reader.faces());
  const ignored = new Map([...reader.ignored.reasons()].map(([reason, { count }]) => [reason, count]));
  return { faces, ignored, notes: reader.notes ?? [] };
}

const pairs = ({ faces }: Listed) => faces.map(({ faceId, subjectId }) => [faceId, subjectId]);

test('people are named by .cls members, and each photograph is a byte range of its archive', () =>
  withTempFolder(async (folder) => {
    await writeTar(join(folder, 't-0.tar'), [
      ['000.cls', '7\n'],
      ['000.jpg', 'photograph 000'],
      ['001.jpg', 'photograph 001'],
      ['001.cls', '12'],
      ['001.json', '{"label": 99}'],
    ]);
    await writeTar(join(folder, 't-1.tar'), [
      ['002.jpg', 'photograph 002'],
      ['002.cls', '7'],
    ]);
    const found = await list(join(folder, 't-{0..1}.tar'));
    assert.deepEqual(pairs(found), [
      ['t-0.tar/001.jpg', '12'],
      ['t-0.tar/000.jpg', '7'],
      ['t-1.tar/002.jpg', '7'],
    ]);
    for (const { uri, offset, bytes, faceId } of found.faces) {
      const archive = await readFile(join(folder, uri));
      const photograph = archive.subarray(offset, offset! + bytes).toString();
      assert.equal(photograph, `photograph ${faceId.slice(8, 11)}`);
    }
    assert.deepEqual([...found.ignored], [['not an image by its extension', 1]]);
    assert.match(found.notes[0] ?? '', /named by cls/);
  }));

test('what the first samples suggest: a field of .json, the folder, or the name up to two underscores', () =>
  withTempFolder(async (folder) => {
    const cases = {
      'json.tar': [
        ['0.jpg', 'x'],
        ['0.json', '{"key": "0", "identity": 41}'],
      ],
      'folder.tar': [
        ['./anna/0.jpg', 'x'],
        ['./anna/0.txt', 'a caption'],
      ],
      'key.tar': [
        ['anna__0.jpg', 'x'],
        ['anna__0.txt', 'a caption'],
      ],
    } as const;
    const subjects: Record<string, string | undefined> = {};
    for (const [name, members] of Object.entries(cases)) {
      await writeTar(join(folder, name), members);
      subjects[name] = (await list(join(folder, name))).faces[0]?.subjectId;
    }
    assert.deepEqual(subjects, { 'json.tar': '41', 'folder.tar': 'anna', 'key.tar': 'anna' });
  }));

test('--subject-from decides where the first samples suggest something else', () =>
  withTempFolder(async (folder) => {
    await writeTar(join(folder, 'a.tar'), [
      ['f/p-q__0.jpg', 'x'],
      ['f/p-q__0.cls', '1'],
      ['f/p-q__0.txt', ' the caption\n'],
      ['f/p-q__0.json', '{"a": {"b": "deep"}, "label": 2}'],
    ]);
    for (const [subjectFrom, expected] of [
      ['cls', '1'],
      ['txt', 'the caption'],
      ['json:label', '2'],
      ['json:a.b', 'deep'],
      ['folder', 'f'],
      ['key:__', 'p-q'],
      ['key:-', 'p'],
    ] as const) {
      const found = await list(join(folder, 'a.tar'), { subjectFrom });
      assert.deepEqual(pairs(found), [['a.tar/f/p-q__0.jpg', expected]], subjectFrom);
    }
  }));

test('whole numbers in .json name people digit by digit, however many digits there are, and NaN beside them does no harm', () =>
  withTempFolder(async (folder) => {
    const labels = [
      '{"identity": 1234567890123456781}',
      '{"identity": 1234567890123456782, "pwatermark": NaN}',
      '{"identity":-9007199254740993, "scores": [-Infinity, Infinity]}',
      '{"identity": 7, "caption": "\\"NaN\\" 12345678901234567890"}',
      '{"identity": "1234567890123456781"}',
      '{"identity": NaN}',
      '{"identity": 7NaN}',
    ];
    await writeTar(
      join(folder, 'a.tar'),
      labels.flatMap((label, i): [string, string][] => [
        [`${i}.jpg`, 'x'],
        [`${i}.json`, label],
      ]),
    );
    const found = await list(join(folder, 'a.tar'));
    assert.deepEqual(pairs(found), [
      ['a.tar/2.jpg', '-9007199254740993'],
      ['a.tar/0.jpg', '1234567890123456781'],
      ['a.tar/4.jpg', '1234567890123456781'],
      ['a.tar/1.jpg', '1234567890123456782'],
      ['a.tar/3.jpg', '7'],
    ]);
    assert.deepEqual([...found.ignored], [['no .json member that names a person', 2]]);
    const { faces } = await list(join(folder, 'a.tar'), { subjectFrom: 'json:caption' });
    assert.equal(faces[0]?.subjectId, '"NaN" 12345678901234567890');
  }));

test('samples that name nobody are ignored by reason, and an archive without any is refused', () =>
  withTempFolder(async (folder) => {
    await writeTar(join(folder, 'a.tar'), [
      ['0.jpg', 'x'],
      ['0.cls', '  \n'],
      ['1.jpg', 'x'],
      ['1.cls', Buffer.from([0xff, 0xfe])],
      ['2.jpg', 'x'],
      ['3.cls', '5'],
      ['4.jpg', 'x'],
      ['4.cls', '5'],
      ['.hidden.jpg', 'x'],
      ['no-dot', 'x'],
    ]);
    const found = await list(join(folder, 'a.tar'));
    assert.deepEqual(pairs(found), [['a.tar/4.jpg', '5']]);
    assert.deepEqual(Object.fromEntries(found.ignored), {
      'no .cls member that names a person': 3,
      'a label without an image': 1,
      'no sample by its name': 2,
    });
    await writeTar(join(folder, 'b.tar'), [
      ['0.jpg', 'x'],
      ['0.txt', 'a caption'],
    ]);
    await assert.rejects(list(join(folder, 'b.tar')), {
      code: 'no-subjects',
      message: /members=\.jpg \.txt/,
    });
  }));

test('a name in JSON that is no well-formed Unicode names nobody', () =>
  withTempFolder(async (folder) => {
    await writeTar(join(folder, 'a.tar'), [
      ['0.jpg', 'x'],
      ['0.json', '{"identity": "anna"}'],
      ['1.jpg', 'x'],
      ['1.json', '{"identity": "anna\\ud800"}'],
      ['2.jpg', 'x'],
      ['2.json', '{"identity": "\\ud83d\\ude00"}'],
    ]);
    const found = await list(join(folder, 'a.tar'), { subjectFrom: 'json:identity' });
    assert.deepEqual(pairs(found), [
      ['a.tar/0.jpg', 'anna'],
      ['a.tar/2.jpg', '\u{1F600}'],
    ]);
    assert.deepEqual(Object.fromEntries(found.ignored), { 'no .json member that names a person': 1 });
  }));

test('members in any order give the same faces, and unsorted archives are noted', async () => {
  const samples = Array.from({ length: 12 }, (_, i) => i);
  const members = samples.flatMap((i): [string, string][] => [
    [`${i}.jpg`, `photograph ${i}`],
    [`${i}.cls`, `${i % 4}`],
  ]);
  const sorted = samples.map((i) => [`a.tar/${i}.jpg`, `${i % 4}`]);
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(members, { minLength: members.length }), (order) =>
      withTempFolder(async (folder) => {
        await writeTar(join(folder, 'a.tar'), order);
        const found = await list(join(folder, 'a.tar'));
        const key = (pair: readonly (string | undefined)[]) => pair.join(' ');
        assert.deepEqual(pairs(found).map(key).sort(), sorted.map(key).sort());
        for (let i = 1; i < found.faces.length; i++) {
          assert.ok(compareFaces(found.faces[i - 1]!, found.faces[i]!) < 0);
        }
        const isSorted = order.every(
          ([name], i) => i % 2 === 1 || sampleName(name)?.key === sampleName(order[i + 1]![0])?.key,
        );
        assert.equal(
          found.notes.some((note) => note.startsWith('unsorted archives')),
          !isSorted,
        );
      }),
    ),
    { numRuns: 15 },
  );
});

test('a photograph that lies apart from a sample that is complete without it is a photograph of its person too', () =>
  withTempFolder(async (folder) => {
    const cases = [
      ['a.0.jpg', 'a.cls', 'b.0.jpg', 'b.cls', 'a.1.jpg'],
      ['a.1.jpg', 'b.0.jpg', 'b.cls', 'a.0.jpg', 'a.cls'],
      ['a.cls', 'a.1.jpg', 'b.0.jpg', 'b.cls', 'a.0.jpg'],
    ];
    for (const names of cases) {
      await writeTar(
        join(folder, 'a.tar'),
        names.map((name) => [name, `of ${name[0]}`]),
      );
      const found = await list(join(folder, 'a.tar'));
      assert.deepEqual(pairs(found), [
        ['a.tar/a.0.jpg', 'of a'],
        ['a.tar/a.1.jpg', 'of a'],
        ['a.tar/b.0.jpg', 'of b'],
      ]);
      assert.deepEqual([...found.ignored], []);
      assert.match(found.notes[1] ?? '', /unsorted archives: 1 samples/, names.join(' '));
    }
  }));

test('of several labels of a sample the first that names somebody counts for all its photographs, and the others are ignored by reason', () =>
  withTempFolder(async (folder) => {
    const other = [
      ['b.jpg', 'x'],
      ['b.cls', 'bert'],
    ] as const;
    const cases = {
      'side by side': [['a.jpg', 'x'], ['a.cls', 'anna'], ['a.cls', 'zoe'], ...other],
      'one beside its photograph': [['a.jpg', 'x'], ['a.cls', 'anna'], ...other, ['a.cls', 'zoe']],
      'both beside a photograph': [
        ['a.cls', 'anna'],
        ['a.jpg', 'x'],
        ...other,
        ['a.cls', 'zoe'],
        ['a.1.jpg', 'x'],
      ],
      'the first apart': [['a.cls', 'anna'], ...other, ['a.jpg', 'x'], ['a.cls', 'zoe']],
      'the first without a name': [['a.cls', ' '], ['a.jpg', 'x'], ...other, ['a.cls', 'anna']],
    } as const;
    for (const [what, members] of Object.entries(cases)) {
      await writeTar(join(folder, 'a.tar'), members);
      const found = await list(join(folder, 'a.tar'));
      assert.deepEqual(
        new Set(found.faces.map(({ subjectId }) => subjectId)),
        new Set(['anna', 'bert']),
        what,
      );
      assert.deepEqual([...found.ignored], [['a further label of a sample', 1]], what);
    }
  }));

test('a sample of thousands of photographs is listed whole, its label before, among or after them', () =>
  withTempFolder(async (folder) => {
    const images = Array.from({ length: 2_500 }, (_, i) => [`s.${i}.jpg`, 'x'] as const);
    for (const place of [0, 1_200, 2_500]) {
      await writeTar(join(folder, 'a.tar'), [
        ...images.slice(0, place),
        ['s.cls', '7'],
        ...images.slice(place),
      ]);
      const { faces, ignored } = await list(join(folder, 'a.tar'), { subjectFrom: 'cls' });
      assert.equal(new Set(faces.map(({ faceId }) => faceId)).size, 2_500);
      assert.ok(faces.every(({ subjectId }) => subjectId === '7'));
      assert.equal(ignored.size, 0);
    }
  }));

test('archives are named by braces, by ::, by * or by their folder', () =>
  withTempFolder(async (folder) => {
    for (const i of [0, 1, 2]) await writeTar(join(folder, `t-${i}.tar`), [[`p/${i}.jpg`, 'x']]);
    await writeFile(join(folder, '00000_stats.json'), '{}');
    for (const [corpus, count] of [
      [join(folder, 't-{0..1}.tar'), 2],
      [`${join(folder, 't-{2..2}.tar')}::${join(folder, 't-0.tar')}`, 2],
      [join(folder, 't-*.tar'), 3],
      [folder, 3],
    ] as const) {
      assert.equal((await list(corpus)).faces.length, count, corpus);
    }
    await assert.rejects(list(join(folder, 't-{2..3}.tar')), { code: 'no-corpus', message: /t-3\.tar/ });
    await assert.rejects(list(join(folder, 'none-*.tar')), { code: 'no-corpus' });
    await assert.rejects(list(join(folder, 't-{0,0}.tar')), {
      code: 'bad-pattern',
      message: /found "t-0\.tar" a second time/,
    });
  }));

test('a truncated archive is refused with its name and the offset, or read as far as it is intact', () =>
  withTempFolder(async (folder) => {
    const first = member('p/0.jpg', 'photograph 0');
    const second = member('p/1.jpg', 'y'.repeat(5_000));
    await writeFile(
      join(folder, 't-0.tar'),
      Buffer.concat([first, second]).subarray(0, first.length + 3_000),
    );
    await writeTar(join(folder, 't-1.tar'), [['q/0.jpg', 'x']]);
    await writeFile(join(folder, 't-2.tar'), Buffer.concat([first, Buffer.from('x'.repeat(512)), END]));
    const corpus = join(folder, 't-{0..2}.tar');
    await assert.rejects(list(corpus), {
      name: 'ConfigError',
      code: 'bad-archive',
      message: /expected 5000 bytes.*1 more damage.*--read-broken-archives.*t-0\.tar, offset=1024/,
    });
    const found = await list(corpus, { readBrokenArchives: true });
    assert.deepEqual(pairs(found), [
      ['t-0.tar/p/0.jpg', 'p'],
      ['t-2.tar/p/0.jpg', 'p'],
      ['t-1.tar/q/0.jpg', 'q'],
    ]);
    assert.deepEqual([...found.ignored], [['damage of an archive, and what lies behind it', 2]]);
  }));

test('a name that an archive holds twice is refused with both places, or counts once', () =>
  withTempFolder(async (folder) => {
    await writeTar(join(folder, 'a.tar'), [
      ['p/0.jpg', 'the first'],
      ['p/1.jpg', 'another'],
      ['p/0.jpg', 'the second'],
    ]);
    const corpus = join(folder, 'a.tar');
    await assert.rejects(list(corpus), {
      message: /"p\/0\.jpg" a second time, first at byte 512.*offset=2560/,
    });
    const { faces } = await list(corpus, { readBrokenArchives: true });
    assert.deepEqual(
      faces.map(({ offset }) => offset),
      [512, 1536],
    );
  }));

test(
  'photographs that are links or sparse are refused by name; other such members are of no account',
  { skip: noGnuTar },
  () =>
    withTempFolder(async (folder) => {
      await mkdir(join(folder, 'p'));
      await writeFile(join(folder, 'p', '0.jpg'), 'photograph');
      execFileSync('ln', [join(folder, 'p/0.jpg'), join(folder, 'p/1.jpg')]);
      execFileSync('ln', [join(folder, 'p/0.jpg'), join(folder, 'p/1.readme')]);
      gnuTar(folder, '-cf', 'good.tar', 'p/0.jpg', 'p/1.readme');
      gnuTar(folder, '-cf', 'linked.tar', 'p/0.jpg', 'p/1.jpg');
      assert.equal((await list(join(folder, 'good.tar'))).faces.length, 1);
      const linked = join(folder, 'linked.tar');
      await assert.rejects(list(linked), {
        message: /"p\/1\.jpg" as a hard link to "p\/0\.jpg".*offset=1024/,
      });
      assert.equal((await list(linked, { readBrokenArchives: true })).faces.length, 1);
    }),
);

test('an archive behind a link that leaves its folder is refused unless links are followed', () =>
  withTempFolder(async (folder) => {
    await mkdir(join(folder, 'corpus'));
    await writeTar(join(folder, 'elsewhere.tar'), [['p/0.jpg', 'x']]);
    execFileSync('ln', ['-s', join(folder, 'elsewhere.tar'), join(folder, 'corpus', 'a.tar')]);
    const corpus = join(folder, 'corpus', 'a.tar');
    await assert.rejects(list(corpus), { code: 'no-corpus', message: /--follow-links/ });
    assert.equal((await list(corpus, { followLinks: true })).faces.length, 1);
  }));

for (const [name, key, extension] of [
  ['0001.jpg', '0001', 'jpg'],
  ['a.b/0001.Left.PNG', 'a.b/0001', 'left.png'],
  ['./anna/1.jpg', 'anna/1', 'jpg'],
  ['anna/.1.jpg', undefined, undefined],
  ['anna/1', undefined, undefined],
  ['anna/1.', undefined, undefined],
] as const) {
  test(`the key of ${name} is ${key}`, () => {
    assert.deepEqual(sampleName(name), key === undefined ? undefined : { key, extension });
  });
}
