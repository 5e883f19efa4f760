import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openCsvCorpus } from '../../src/producer/readers/csv.ts';
import type { FaceRecord } from '../../src/shared/face.ts';
import { compareFaces } from '../../src/shared/listing/listingOrder.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { collect } from './corpusFiles.ts';

const HEADER = 'face_id,subject_id,path\n';

function readCsv(text: string | Uint8Array) {
  return withTempFolder(async (folder) => {
    const file = join(folder, 'list.csv');
    await writeFile(file, text);
    const corpus = await openCsvCorpus(file, folder);
    const faces = await collect(corpus.faces());
    return { faces, ignored: Object.fromEntries(corpus.ignored.reasons()) };
  });
}

/** The one line a bad list is refused with. */
async function refusal(text: string | Uint8Array): Promise<string> {
  try {
    await readCsv(text);
  } catch (error) {
    assert.ok(error instanceof Error);
    assert.equal(error.name, 'ConfigError');
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  throw new Error('expected a refusal');
}

test('lines in any order come out sorted', async () => {
  const { faces, ignored } = await readCsv(`${HEADER}b2,bert,2.jpg\na1,anna,1.jpg\nb1,bert,sub/1.jpg\n`);
  assert.deepEqual(faces, [
    { faceId: 'a1', subjectId: 'anna', uri: '1.jpg', bytes: 0 },
    { faceId: 'b1', subjectId: 'bert', uri: 'sub/1.jpg', bytes: 0 },
    { faceId: 'b2', subjectId: 'bert', uri: '2.jpg', bytes: 0 },
  ]);
  assert.deepEqual(ignored, {});
});

test('label columns are read as their types, empty fields as null; the rest is noted', async () => {
  const list = `face_id,age,subject_id,session,path,size\na,31,s,A,1.jpg,x\nb,,s,,2.jpg,\n`;
  await withTempFolder(async (folder) => {
    const file = join(folder, 'list.csv');
    await writeFile(file, list);
    const read = async (type: 'integer' | 'string') => {
      const labels = [
        { name: 'session', type: 'string' },
        { name: 'age', type },
      ] as const;
      const corpus = await openCsvCorpus(file, folder, undefined, labels);
      const faces = await collect(corpus.faces());
      return { labels: faces.map((face) => face.labels), ignored: [...corpus.ignored.reasons().values()] };
    };
    assert.deepEqual(await read('integer'), {
      labels: [
        ['A', 31],
        [null, null],
      ],
      ignored: [{ count: 1, examples: ['size'] }],
    });
    assert.deepEqual((await read('string')).labels[0], ['A', '31']);
    await writeFile(file, list.replace('31', '31.5'));
    await assert.rejects(read('integer'), /expected an integer in the column age, found "31\.5".*line=2/);
    await writeFile(file, list.replace('session', 'sitting'));
    await assert.rejects(
      read('integer'),
      /expected the column session once in the header, found no such column/,
    );
  });
});

test('any ids survive quoting and sort by their bytes', async () => {
  const id = fc
    .string({
      unit: fc.constantFrom('a', 'B', '"', ',', '\n', ' ', 'é', '～', '😀', '1'),
      minLength: 1,
      maxLength: 4,
    })
    .filter((text) => text.trim() !== '');
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(id, id), { maxLength: 20, selector: ([face]) => face }),
      async (rows) => {
        const { faces } = await readCsv(
          HEADER + rows.map(([f, s]) => `${quote(f)},${quote(s)},x.jpg\n`).join(''),
        );
        const expected = rows.map(([faceId, subjectId]) => ({ faceId, subjectId, uri: 'x.jpg', bytes: 0 }));
        assert.deepEqual(faces, expected.sort(compareFaces));
      },
    ),
    { numRuns: 15 },
  );
});

test('columns stand in any order; those of other names are noted', async () => {
  const { faces, ignored } = await readCsv('\uFEFFage,path,subject_id,face_id\r\n40,p.jpg,anna,a\r\n\r\n');
  assert.deepEqual(faces, [{ faceId: 'a', subjectId: 'anna', uri: 'p.jpg', bytes: 0 }]);
  assert.deepEqual(ignored, { 'CSV column that is not read': { count: 1, examples: ['age'] } });
});

test('an absolute path inside the image root becomes relative', () =>
  withTempFolder(async (folder) => {
    await writeFile(join(folder, 'list.csv'), `${HEADER}a,anna,${join(folder, 'x', 'y.jpg')}\n`);
    const corpus = await openCsvCorpus(join(folder, 'list.csv'), folder);
    assert.equal((await collect(corpus.faces()))[0]?.uri, 'x/y.jpg');
  }));

test('a list without faces yields none', async () => {
  assert.deepEqual((await readCsv(HEADER)).faces, []);
});

const BAD: Record<string, [string, RegExp]> = {
  'an empty file': ['', /expected a header line, found an empty file/],
  'a missing column': [
    'face_id,path\na,p\n',
    /expected the column subject_id once in the header, found no such column \(face_id,path\).*line=1/,
  ],
  'a column that is there twice': [
    'face_id,subject_id,path,path\na,b,c,d\n',
    /column path once in the header, found it twice/,
  ],
  'a column with blanks around its name': [
    'face_id, subject_id,path\na, b,p\n',
    /column subject_id once in the header, found no such column \(face_id, subject_id,path\).*line=1/,
  ],
  'a short line': [`${HEADER}a,b,c\nd,e\n`, /as many fields as the header.*line=3/],
  'a long line': [`${HEADER}a,b,c,d\n`, /as many fields as the header.*line=2/],
  'an empty face id': [`${HEADER}a,b,c\n,e,f\n`, /expected a face_id, found nothing.*line=3/],
  'a blank subject id': [`${HEADER}a,  ,c\n`, /expected a subject_id, found nothing.*line=2/],
  'an empty path': [`${HEADER}a,b,\n`, /expected a path, found nothing.*line=2/],
  'a face id that is there twice': [
    `${HEADER}a,b,c\nx,b,c\na,z,d\n`,
    /face_id once, found "a" a second time, first in line 2 .*line=4/,
  ],
  'a path out of the image root': [
    `${HEADER}a,b,x/../../c.jpg\n`,
    /expected a path inside .* found "x\/\.\.\/\.\.\/c\.jpg".*line=2/,
  ],
  'an absolute path elsewhere': [`${HEADER}a,b,/etc/passwd\n`, /expected a path inside .*line=2/],
  'the image root itself': [`${HEADER}a,b,.\n`, /expected a path inside .*line=2/],
  'a quote that is not closed': [`${HEADER}a,"b,c\n`, /closing quote/],
  'a quote that swallows the file': [
    `${HEADER}a,"b,c\n${'d,e,f\n'.repeat(20_000)}`,
    /at most 65536 bytes in a line; is a quote not closed.*line=2/,
  ],
};
for (const [what, [text, message]] of Object.entries(BAD)) {
  test(`${what} is refused with its line`, async () => {
    assert.match(await refusal(text), message);
  });
}

test('an id that is not UTF-8 is refused', async () => {
  const text = Buffer.concat([Buffer.from(`${HEADER}a`), Buffer.from([0xff]), Buffer.from(',b,c\n')]);
  assert.match(await refusal(text), /face_id in UTF-8.*line=2/);
});

test('line numbers count the lines of the file, also behind blank lines and quoted line breaks', async () => {
  assert.match(await refusal(`${HEADER}"a\nb",s,p\n\n\nc,,p\n`), /line=6/);
});

test('line numbers are those of an editor, whatever ends the lines and stands in quotes; of what is not closed, where it begins', async () => {
  const end = fc.constantFrom('\n', '\r\n', '\r');
  const id = fc.array(fc.oneof(end, fc.constantFrom('a', '""', ',')), { maxLength: 4 });
  const line = fc.tuple(id, fc.array(end, { minLength: 1, maxLength: 3 }));
  const bad = fc.constantFrom(',s,p', 'a,s', '"a\r\nb,s,p\r\n', '"a"b,s,p');
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 6 }), end, bad, async (lines, first, last) => {
      const rows = lines.map(([id, ends], i) => `"${i}${id.join('')}",s,p${ends.join('')}`);
      const before = `face_id,subject_id,path${first}${rows.join('')}`;
      const number = before.split(/\r\n|\r|\n/).length;
      assert.match(
        await refusal(before + last),
        new RegExp(`line=${number}\\]$`),
        JSON.stringify(before + last),
      );
    }),
    { numRuns: 60 },
  );
});

test('lines end as they like, each in another way too; quoted line breaks are part of the id', async () => {
  const ids = ['a', 'b\r\nb', 'c\nc', 'd\re', 'f'];
  const lines = ['face_id,subject_id,path', ...ids.map((id) => `"${id}",anna,1.jpg`)];
  const end = fc.constantFrom('\n', '\r\n', '\r');
  await fc.assert(
    fc.asyncProperty(fc.array(end, { minLength: 6, maxLength: 6 }), async (ends) => {
      const { faces } = await readCsv(lines.map((line, i) => `${line}${ends[i]}`).join(''));
      assert.deepEqual(
        faces.map(({ faceId, uri }) => [faceId, uri]),
        ids.map((id) => [id, '1.jpg']),
      );
    }),
    { numRuns: 30 },
  );
});

test('a line end that lies in two reads of the file is one', async () => {
  // A file is read 64 KiB at a time.
  const READ = 2 ** 16;
  for (const before of [READ - 2, READ - 1, READ]) {
    const first = `${HEADER}a,anna,${'x'.repeat(40_000)}\r\nb,anna,`;
    const { faces } = await readCsv(
      `${first}${'y'.repeat(before - first.length)}\r\n"c\r\nc",anna,1.jpg\r\n`,
    );
    assert.deepEqual(
      faces.map(({ faceId, uri }) => [faceId, uri.length]),
      [
        ['a', 40_000],
        ['b', before - first.length],
        ['c\r\nc', 5],
      ],
    );
  }
});

test('a missing list or image root is refused', () =>
  withTempFolder(async (folder) => {
    await writeFile(join(folder, 'list.csv'), HEADER);
    const missing = { name: 'ConfigError', code: 'no-corpus' };
    await assert.rejects(openCsvCorpus(join(folder, 'absent.csv'), folder), missing);
    await assert.rejects(openCsvCorpus(folder, folder), missing);
    await assert.rejects(openCsvCorpus(join(folder, 'list.csv'), join(folder, 'absent')), missing);
  }));

test('a list larger than a chunk sorts through the disk, and nothing stays there when reading ends, stops or fails', () =>
  withTempFolder(async (folder) => {
    process.env.TMPDIR = folder;
    const count = 60_000;
    const lines = Array.from({ length: count }, (_, i) => `f${(i * 7_919) % count},s${i % 100},p.jpg\n`);
    const file = join(folder, 'list.csv');
    await writeFile(file, HEADER + lines.join(''));
    const faces = await collect((await openCsvCorpus(file, folder)).faces());
    assert.equal(faces.length, count);
    for (let i = 1; i < count; i++)
      assert.ok(compareFaces(faces[i - 1] as FaceRecord, faces[i] as FaceRecord) < 0);
    for await (const _ of (await openCsvCorpus(file, folder)).faces()) break;
    await writeFile(file, `${HEADER}${lines.join('')}f5,s1,p.jpg\n`);
    await assert.rejects(collect((await openCsvCorpus(file, folder)).faces()), {
      message: /found "f5".*line=60002/,
    });
    assert.deepEqual(await readdir(folder), ['list.csv']);
  }));
