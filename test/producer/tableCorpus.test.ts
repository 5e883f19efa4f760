import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { describeIgnored } from '../../src/producer/readers/ignored.ts';
import { openCorpus } from '../../src/producer/readers/openCorpus.ts';
import { parseRunConfig, type RunConfigInput } from '../../src/shared/config.ts';
import type { RowFace } from '../../src/shared/corpus/tableRows.ts';
import type { StoreRequest } from '../../src/shared/store/observedStore.ts';
import { openTableImages } from '../../src/worker/reading/tableImages.ts';
import { corpusImages, describeFaces, imagesOf } from '../helpers/corpusImages.ts';
import { POLARS_CATEGORIES } from '../helpers/polarsTables.ts';
import { type TableColumns, tableBytes, type WriteOptions, writeTable } from '../helpers/tableFiles.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { collect } from './corpusFiles.ts';

const bytes = (text: string) => Buffer.from(text);

const EMBEDDED: TableColumns = {
  face_id: { type: 'text', values: ['b2', 'a1', 'b1', 'c1'] },
  subject_id: { type: 'text', values: ['bert', 'anna', 'bert', 'carl'] },
  image: { type: 'bytes', values: [bytes('B2'), bytes('A1'), bytes('B1'), null] },
  session: { type: 'text', values: ['x', null, 'y', 'z'] },
  age: { type: 'integer', values: [31, 30, null, 2 ** 40] },
};

const FORMATS: readonly WriteOptions[] = [
  { format: 'parquet' },
  { format: 'parquet', pieceRows: 3, pageRows: 1 },
  { format: 'arrow', pieceRows: 2 },
  { format: 'arrow stream', pieceRows: 3 },
];

function configOf(folder: string, name: string, more: Partial<RunConfigInput> = {}): RunConfigInput {
  const corpusFormat = /\.arrow/.test(name) ? 'arrow' : 'parquet';
  return { corpus: join(folder, name), corpusFormat, imageRoot: folder, ...more };
}

for (const options of FORMATS) {
  const name = options.format === 'parquet' ? 't.parquet' : 't.arrow';
  test(`embedded images are read from their rows, in any order of rows [${JSON.stringify(options)}]`, () =>
    withTempFolder(async (folder) => {
      writeTable(join(folder, name), EMBEDDED, options);
      const config = configOf(folder, name, {
        labelColumns: [
          { name: 'age', type: 'integer' },
          { name: 'session', type: 'string' },
        ],
      });
      assert.deepEqual(describeFaces(await corpusImages(config)), [
        'anna/a1 [30,null]: A1',
        'bert/b1 [null,"y"]: B1',
        'bert/b2 [31,"x"]: B2',
        `carl/c1 [${2 ** 40},"z"]: no-image`,
      ]);
    }));
}

for (const format of ['parquet', 'arrow'] as const) {
  test(`an image is handed on without the others of its row group or record batch [${format}]`, () =>
    withTempFolder(async (folder) => {
      const faces = ['a', 'b', 'c'];
      const table: TableColumns = {
        face_id: { type: 'text', values: faces },
        subject_id: { type: 'text', values: faces },
        image: { type: 'bytes', values: faces.map((face) => Buffer.alloc(1_000, face)) },
      };
      writeTable(join(folder, `t.${format}`), table, { format });
      const reading = {
        root: folder,
        source: {},
        format,
        columns: parseRunConfig(configOf(folder, '')).tableColumns,
      };
      const tables = await openTableImages(reading);
      try {
        const listed: RowFace[] = [];
        const { faces: records } = await openCorpus(parseRunConfig(configOf(folder, `t.${format}`)));
        for await (const face of records()) listed.push({ ...face, row: face.row! });
        const images = tables.forShard(listed);
        for (const face of listed) {
          const read = await images.read(face);
          assert.ok(read.status === 'ok');
          assert.deepEqual(Buffer.from(read.bytes.buffer), Buffer.alloc(1_000, face.faceId));
        }
      } finally {
        await tables.close();
      }
    }));
}

test("several files of Hugging Face's form: structs with bytes, whole numbers as people, file and row as the face", () =>
  withTempFolder(async (folder) => {
    for (const [i, images] of [
      ['p', 'q'],
      ['r', 's', 't'],
    ].entries()) {
      writeTable(
        join(folder, `train-0000${i}-of-00002.parquet`),
        {
          image: { type: 'image struct', values: images.map(bytes) },
          label: { type: 'integer', values: images.map((_, row) => row + 10 * i) },
        },
        { format: 'parquet', pieceRows: 2 },
      );
    }
    const expected = [
      '0/train-00000-of-00002.parquet#0: p',
      '1/train-00000-of-00002.parquet#1: q',
      '10/train-00001-of-00002.parquet#0: r',
      '11/train-00001-of-00002.parquet#1: s',
      '12/train-00001-of-00002.parquet#2: t',
    ];
    for (const corpus of ['train-*.parquet', 'train-{00000..00001}-of-00002.parquet']) {
      assert.deepEqual(describeFaces(await corpusImages(configOf(folder, corpus))), expected);
    }
    const whole = { ...configOf(folder, ''), corpus: folder, corpusFormat: 'parquet' } as const;
    assert.deepEqual(describeFaces(await corpusImages(whole)), expected);
  }));

test('of a folder of `save_to_disk` the files that its state.json names are the corpus; what was kept beside them is passed over', () =>
  withTempFolder(async (folder) => {
    const state = (...filenames: string[]) =>
      writeFileSync(
        join(folder, 'state.json'),
        JSON.stringify({ _data_files: filenames.map((filename) => ({ filename })), _split: null }),
      );
    const [first, second] = ['data-00000-of-00002.arrow', 'data-00001-of-00002.arrow'] as const;
    for (const [name, text] of [
      [first, 'a'],
      [second, 'b'],
      ['cache-6a9f636d12f10ac4.arrow', 'a'],
    ] as const) {
      const columns = {
        label: { type: 'text', values: [text] },
        image: { type: 'bytes', values: [bytes(text)] },
      } as const;
      writeTable(join(folder, name), columns, { format: 'arrow stream' });
    }
    const shuffled = { indices: { type: 'integer', values: [1, 0] } } as const;
    writeTable(join(folder, 'cache-22fcdf105966421f.arrow'), shuffled, { format: 'arrow stream' });
    state(first, second);
    const config = { corpus: folder, corpusFormat: 'arrow', imageRoot: folder } as const;
    assert.deepEqual(describeFaces(await corpusImages(config)), [`a/${first}#0: a`, `b/${second}#0: b`]);
    const reader = await openCorpus(parseRunConfig(config));
    await collect(reader.faces());
    assert.deepEqual(describeIgnored(reader.ignored), [
      "2 ignored: not one of the dataset's data files (cache-22fcdf105966421f.arrow, cache-6a9f636d12f10ac4.arrow)",
    ]);
    state(first, 'data-00002-of-00003.arrow');
    await assert.rejects(corpusImages(config), {
      code: 'no-corpus',
      message: /expected the data files of state\.json, found no data-00002-of-00003\.arrow \[folder=/,
    });
    writeFileSync(join(folder, 'state.json'), '{"_data_files": [');
    await assert.rejects(corpusImages(config), {
      code: 'bad-table',
      message: /state\.json: expected JSON, found something else/,
    });
    writeFileSync(join(folder, 'state.json'), '{"_data_files": "all"}');
    await assert.rejects(corpusImages(config), { code: 'bad-table', message: /state\.json.*_data_files/ });
  }));

test('a state.json that names no data files says nothing of a folder of tables', () =>
  withTempFolder(async (folder) => {
    writeTable(join(folder, 'a.arrow'), EMBEDDED, { format: 'arrow' });
    for (const text of ['{"trainer": "state"}', '[]']) {
      writeFileSync(join(folder, 'state.json'), text);
      const config = { corpus: folder, corpusFormat: 'arrow', imageRoot: folder } as const;
      assert.equal((await corpusImages(config)).length, 4, text);
    }
  }));

test('tables of a corpus whose columns differ are refused: a person must be the same thing in all of them', () =>
  withTempFolder(async (folder) => {
    const { face_id, subject_id, image } = EMBEDDED as Required<typeof EMBEDDED>;
    writeTable(
      join(folder, '0.parquet'),
      { face_id: face_id!, subject_id: subject_id!, image: image! },
      FORMATS[0]!,
    );
    const { values } = face_id!;
    const others = { type: 'text', values: values.map((id) => `${id}'`) } as const;
    for (const [columns, problem] of [
      [
        { face_id: others, label: subject_id! },
        /person in subject_id, .*0\.parquet, found it in label; --subject-id-column/,
      ],
      [{ subject_id: subject_id! }, /face id in face_id, .*0\.parquet, found none; --face-id-column/],
      [{ id: others, subject_id: subject_id! }, /face id in face_id, .*found it in id; --face-id-column/],
    ] as const) {
      writeTable(join(folder, '1.parquet'), { ...columns, image: image! }, FORMATS[0]!);
      await assert.rejects(corpusImages(configOf(folder, '*.parquet')), {
        code: 'bad-table',
        message: problem,
      });
    }
    const named = { face_id: others, subject_id: subject_id!, jpg: image! };
    writeTable(join(folder, '1.parquet'), named, FORMATS[0]!);
    assert.equal((await corpusImages(configOf(folder, '*.parquet'))).length, 8);
  }));

test('an integer that float64 does not hold is refused as a label of type number', () =>
  withTempFolder(async (folder) => {
    const big: TableColumns = { ...EMBEDDED, age: { type: 'integer', values: [2 ** 53, 1, 2, null] } };
    const path = join(folder, 't.arrow');
    const config = configOf(folder, 't.arrow', { labelColumns: [{ name: 'age', type: 'number' }] });
    const file = Buffer.from(tableBytes(big, { format: 'arrow' }));
    writeFileSync(path, file);
    assert.equal(describeFaces(await corpusImages(config))[2], `bert/b2 [${2 ** 53}]: B2`);
    const at = file.indexOf(Buffer.from(BigInt64Array.of(2n ** 53n, 1n).buffer));
    file.writeBigInt64LE(2n ** 53n + 1n, at);
    writeFileSync(path, file);
    await assert.rejects(
      corpusImages(config),
      /expected a label of type number, which holds integers exactly up to 2\^53, found 9007199254740993 \[.*column=age, row=0\]/,
    );
  }));

test('paths are relative to the image root, or absolute inside it, and are the faces where no ids are given', () =>
  withTempFolder(async (folder) => {
    const images = join(folder, 'images');
    mkdirSync(join(images, 'x'), { recursive: true });
    writeFileSync(join(images, 'x', '1.jpg'), 'one');
    writeFileSync(join(images, '2.jpg'), 'two');
    const table = { label: { type: 'text', values: ['s', 'r'] } } as const;
    const list = (second: string) =>
      writeTable(
        join(folder, 't.parquet'),
        { ...table, uri: { type: 'text', values: ['./x/1.jpg', second] } },
        { format: 'parquet' },
      );
    const config = configOf(folder, 't.parquet', { imageRoot: images });
    list('s3://bucket/2.jpg');
    await assert.rejects(
      corpusImages(config),
      /expected a path inside .*images, found "s3:\/\/bucket\/2\.jpg"/,
    );
    list(join(images, '2.jpg'));
    assert.deepEqual(describeFaces(await corpusImages(config)), ['r/2.jpg: two', 's/x/1.jpg: one']);
    list('../t.parquet');
    await assert.rejects(
      corpusImages(config),
      /expected a path inside .*images, found "\.\.\/t\.parquet" \[file=.*t\.parquet, column=uri, row=1\]/,
    );
  }));

test('columns are those that are named, else the first usual name whose type fits; anything else is refused', () =>
  withTempFolder(async (folder) => {
    const path = join(folder, 't.parquet');
    const { face_id, subject_id, image, age } = EMBEDDED as Required<typeof EMBEDDED>;
    const refusal = async (columns: TableColumns, more: Partial<RunConfigInput>, problem: RegExp) => {
      writeTable(path, columns, { format: 'parquet' });
      await assert.rejects(corpusImages(configOf(folder, 't.parquet', more)), (error: Error) => {
        assert.equal(error.name, 'ConfigError');
        assert.match(error.message, problem);
        return true;
      });
    };
    const named = { who: subject_id!, photo: image!, name: face_id! };
    writeTable(path, named, { format: 'parquet' });
    const tableColumns = { subjectId: 'who', image: 'photo', faceId: 'name' };
    const config = configOf(folder, 't.parquet', { tableColumns });
    assert.equal(describeFaces(await corpusImages(config))[0], 'anna/a1: A1');
    await refusal(
      named,
      {},
      /expected a column subject_id, label, .* found none; --subject-id-column names another \[file=.*t\.parquet, columns=who: BYTE_ARRAY \(STRING\)/,
    );
    await refusal(
      { label: subject_id! },
      {},
      /expected a column image, jpg, .* or path, uri, .*--image-column or --path-column/,
    );
    await refusal(
      { ...named, age: age! },
      { tableColumns: { ...tableColumns, image: 'age' } },
      /--image-column: expected a column of bytes, or a struct with bytes, found INT64 \[.*column=age/,
    );
    await refusal(
      named,
      { tableColumns: { subjectId: 'whom' } },
      /--subject-id-column: .*found no such column/,
    );
    await refusal(
      EMBEDDED,
      { labelColumns: [{ name: 'age', type: 'string' }] },
      /labels of type string, found INT64; say age:integer \[file=.*, column=age\]/,
    );
    await refusal(
      EMBEDDED,
      { labelColumns: [{ name: 'mood', type: 'string' }] },
      /labels of type string, found no such column/,
    );
    await refusal(
      { ...EMBEDDED, subject_id: { type: 'text', values: ['a', null, 'b', 'c'] } },
      {},
      /expected text or a number, found null \[file=.*t\.parquet, column=subject_id, row=1\]/,
    );
    await refusal(
      { ...EMBEDDED, face_id: { type: 'text', values: ['a', 'b', 'c', 'b'] } },
      {},
      /every face id once, found "b" a second time, first in row 1 of .*t\.parquet \[file=.*t\.parquet, row=3\]/,
    );
    await refusal(
      EMBEDDED,
      { imageRoot: '/tmp' },
      /--image-root: expected with a column of paths only; the images are in the table/,
    );
  }));

test('a file that is called like a pattern is that file', () =>
  withTempFolder(async (folder) => {
    for (const name of ['a{1,2}.parquet', 'x::y.parquet', '*.parquet']) {
      writeTable(join(folder, name), EMBEDDED, { format: 'parquet' });
      assert.equal((await corpusImages(configOf(folder, name))).length, 4, name);
    }
  }));

test('a folder of tables that is called like a pattern is that folder', () =>
  withTempFolder(async (folder) => {
    for (const name of ['set{1,2}', 'x::y', 'z*']) {
      mkdirSync(join(folder, name));
      writeTable(join(folder, name, 't.parquet'), EMBEDDED, { format: 'parquet' });
      const config = configOf(folder, name, { imageRoot: join(folder, name) });
      assert.equal((await corpusImages(config)).length, 4, name);
    }
  }));

test('a broken table is refused with the file named; the sound ones are taken on request', () =>
  withTempFolder(async (folder) => {
    for (const [corpusFormat, name] of [
      ['parquet', 'parquet'],
      ['arrow', 'arrow'],
    ] as const) {
      const good = join(folder, `0.${name}`);
      writeTable(good, EMBEDDED, { format: corpusFormat });
      const whole = readFileSync(good);
      writeFileSync(join(folder, `1.${name}`), whole.subarray(0, whole.length - 200));
      const config = { corpus: join(folder, `*.${name}`), corpusFormat, imageRoot: folder } as const;
      await assert.rejects(corpusImages(config), {
        code: 'bad-table',
        message: new RegExp(`expected a sound ${corpusFormat} file, .*1\\.${name}`),
      });
      const reader = await openCorpus(parseRunConfig({ ...config, readBrokenArchives: true }));
      assert.equal((await collect(reader.faces())).length, 4);
      assert.match(
        describeIgnored(reader.ignored).join(),
        new RegExp(`1 ignored: broken table \\(1\\.${name}`),
      );
    }
  }));

test('a table file of no bytes is called empty', () =>
  withTempFolder(async (folder) => {
    for (const name of ['t.parquet', 't.arrow']) {
      writeFileSync(join(folder, name), '');
      await assert.rejects(corpusImages(configOf(folder, name)), /sound \w+ file, the file is empty \[file=/);
    }
  }));

/** Columns label and image, two rows, as `pyarrow.ipc.new_stream` 26.0.1 writes them with compression='lz4'. */
const COMPRESSED = [
  '/////6AAAAAQAAAAAAAKAAwABgAFAAgACgAAAAABBAAMAAAACAAIAAAABAAIAAAABAAAAAIAAABAAAAABAAAANj///8AAAEEEAAA',
  'ABgAAAAEAAAAAAAAAAUAAABpbWFnZQAAAMj///8QABQACAAGAAcADAAAABAAEAAAAAAAAQUQAAAAHAAAAAQAAAAAAAAABQAAAGxh',
  'YmVsAAAABAAEAAQAAAAAAAAA/////+gAAAAUAAAAAAAAAAwAGAAGAAUACAAMAAwAAAAAAwQAHAAAAJgAAAAAAAAAAAAAAAwAHAAQ',
  'AAQACAAMAAwAAACIAAAAHAAAABQAAAACAAAAAAAAAAAAAAAEAAQABAAAAAYAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAjAAAA',
  'AAAAACgAAAAAAAAAGQAAAAAAAABIAAAAAAAAAAAAAAAAAAAASAAAAAAAAAAjAAAAAAAAAHAAAAAAAAAAJwAAAAAAAAAAAAAAAgAA',
  'AAIAAAAAAAAAAAAAAAAAAAACAAAAAAAAAAAAAAAAAAAADAAAAAAAAAAEIk0YYECCDAAAgAAAAAABAAAAAgAAAAAAAAAAAAAAAAIA',
  'AAAAAAAABCJNGGBAggIAAIBhYgAAAAAAAAAAAAAADAAAAAAAAAAEIk0YYECCDAAAgAAAAABkAAAAyAAAAAAAAAAAAAAAAMgAAAAA',
  'AAAABCJNGGBAghAAAAAfeAEAUB95AQBLUHl5eXl5AAAAAAD/////AAAAAA==',
].join('');

test('a compressed Arrow table is refused, with the byte and with what to write instead', () =>
  withTempFolder(async (folder) => {
    writeFileSync(join(folder, 't.arrow'), Buffer.from(COMPRESSED, 'base64'));
    await assert.rejects(
      corpusImages(configOf(folder, 't.arrow')),
      /record batch at byte 168 is compressed; write it uncompressed, or as Parquet \[file=.*t\.arrow\]/,
    );
  }));

test('an Arrow file of polars is read by its footer: its schema has no mark, its dictionaries follow the batches', () =>
  withTempFolder(async (folder) => {
    writeFileSync(join(folder, 't.arrow'), POLARS_CATEGORIES);
    assert.deepEqual(describeFaces(await corpusImages(configOf(folder, 't.arrow'))), [
      'a/t.arrow#1: two, of more than twelve bytes',
      'b/t.arrow#0: one',
      'b/t.arrow#2: no-image',
    ]);
  }));

test('a thread reads the rows of a table, says why it cannot, and its requests are told as all others', () =>
  withTempFolder(async (folder) => {
    writeTable(join(folder, 't.parquet'), EMBEDDED, { format: 'parquet', pieceRows: 3 });
    const { tableColumns: columns } = parseRunConfig(configOf(folder, 't.parquet'));
    const heard: StoreRequest[] = [];
    const tables = await openTableImages(
      { root: folder, source: {}, format: 'parquet', columns },
      { onRequest: (request) => heard.push(request) },
    );
    try {
      const face = (uri: string, row: number): RowFace => ({
        faceId: String(EMBEDDED.face_id?.values[row]),
        subjectId: String(EMBEDDED.subject_id?.values[row]),
        ...{ uri, bytes: 0, row },
      });
      const faces = [face('t.parquet', 3), face('t.parquet', 0), face('t.parquet', 9), face('no.parquet', 0)];
      const images = tables.forShard(faces);
      const read = await Promise.all(faces.map((one) => images.read(one)));
      const shown = read.map((one) =>
        one.status === 'ok' ? Buffer.from(one.bytes).toString() : one.rejection.code,
      );
      assert.deepEqual(shown, ['no-image', 'B2', 'beyond-end', 'missing']);
      const failed = heard.filter(({ code }) => code !== 'ok');
      assert.deepEqual(
        failed.map(({ operation, code }) => [operation, code]),
        [['head', 'no-corpus']],
      );
      assert.ok(
        heard.filter(({ operation, receivedBytes }) => operation === 'get' && receivedBytes > 0).length >= 2,
      );
    } finally {
      await tables.close();
    }
  }));

test('a table that is gone, or another than was listed, rejects its faces and no others', () =>
  withTempFolder(async (folder) => {
    for (const name of ['0.parquet', '1.parquet', '2.parquet']) {
      const face_id = { type: 'text', values: ['a', 'b'].map((id) => `${name} ${id}`) } as const;
      const values = ['x', 'y'];
      writeTable(
        join(folder, name),
        { face_id, label: { type: 'text', values }, jpg: { type: 'bytes', values: values.map(bytes) } },
        { format: 'parquet' },
      );
    }
    const config = configOf(folder, '*.parquet');
    const faces = (await corpusImages(config)).map(({ face }) => face);
    writeFileSync(join(folder, '0.parquet'), 'not a table any more');
    rmSync(join(folder, '1.parquet'));
    assert.deepEqual(describeFaces(await imagesOf(config, faces)), [
      'x/0.parquet a: broken-table',
      'x/1.parquet a: missing',
      'x/2.parquet a: x',
      'y/0.parquet b: broken-table',
      'y/1.parquet b: missing',
      'y/2.parquet b: y',
    ]);
  }));

test('rows of a person that lie apart in tables without a page index are noted; sorted ones are not', () =>
  withTempFolder(async (folder) => {
    const rows = 40;
    for (const [sorted, noted] of [
      [true, false],
      [false, true],
    ]) {
      const label = Array.from({ length: rows }, (_, row) => (sorted ? Math.floor(row / 4) : row % 10));
      writeTable(
        join(folder, 't.arrow'),
        {
          label: { type: 'text', values: label.map((person) => `${person}`) },
          image: { type: 'bytes', values: label.map(() => Buffer.alloc(100)) },
        },
        { format: 'arrow', pieceRows: 4 },
      );
      const reader = await openCorpus(parseRunConfig(configOf(folder, 't.arrow', { shardFaces: 4 })));
      await collect(reader.faces());
      const notes = (reader.notes ?? []).join();
      assert.equal(/the rows of a person lie apart, so that shards will read/.test(notes), noted, notes);
    }
  }));

for (const format of ['parquet', 'arrow'] as const) {
  test(`people whose names differ by a U+FEFF at the beginning alone are two [${format}]`, () =>
    withTempFolder(async (folder) => {
      const name = `t.${format}`;
      writeTable(
        join(folder, name),
        {
          face_id: { type: 'text', values: ['1', '\uFEFF1'] },
          label: { type: 'text', values: ['anna', '\uFEFFanna'] },
          image: { type: 'bytes', values: [bytes('A'), bytes('B')] },
        },
        { format },
      );
      assert.deepEqual(describeFaces(await corpusImages(configOf(folder, name))), [
        'anna/1: A',
        '\uFEFFanna/\uFEFF1: B',
      ]);
    }));
}

test('any table comes back image by image, whatever its pieces and pages', async () => {
  const image = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.constant(null));
  const row = fc.record({ subject: fc.constantFrom('a', '\uFEFFa', 'b', 'ß', '10'), image });
  const rows = fc.array(row, { minLength: 1, maxLength: 25 });
  const options = fc.record({
    format: fc.constantFrom('parquet', 'arrow', 'arrow stream' as const),
    pieceRows: fc.integer({ min: 1, max: 12 }),
    pageRows: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
  });
  await withTempFolder((folder) =>
    fc.assert(
      fc.asyncProperty(rows, options, async (rows, { pageRows, ...options }) => {
        const name = options.format === 'parquet' ? 't.parquet' : 't.arrow';
        writeTable(
          join(folder, name),
          {
            label: { type: 'text', values: rows.map(({ subject }) => subject) },
            image: { type: 'bytes', values: rows.map(({ image }) => image) },
          },
          { ...options, ...(pageRows !== undefined && { pageRows }) } as WriteOptions,
        );
        const found = await corpusImages(configOf(folder, name));
        assert.equal(found.length, rows.length);
        for (const { face, image } of found) {
          const { subject, image: written } = rows[face.row as number]!;
          assert.equal(face.subjectId, subject);
          assert.deepEqual(image, written === null ? 'no-image' : Buffer.from(written));
        }
      }),
      { numRuns: 12 },
    ),
  );
});
