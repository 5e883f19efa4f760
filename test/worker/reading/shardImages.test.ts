import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseRunConfig } from '../../../src/shared/config.ts';
import { readFaceImage } from '../../../src/shared/corpus/faceImage.ts';
import { folderSource } from '../../../src/shared/corpus/folderSource.ts';
import { openPhotographs } from '../../../src/shared/corpus/photographs.ts';
import { openRowImages } from '../../../src/shared/corpus/rowImages.ts';
import { corpusImages, describeFaces, imagesOf } from '../../helpers/corpusImages.ts';
import { saveArchive, writeInsightFaceArchive } from '../../helpers/recordIoWriter.ts';
import { type WriteOptions, writeTable } from '../../helpers/tableFiles.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';
import { writeTar } from '../../producer/tar/tars.ts';

const MAGIC = Buffer.from('0a23d7ce', 'hex');

test('an image can be read alone, out of an archive and out of tables of both kinds', () =>
  withTempFolder(async (folder) => {
    saveArchive(join(folder, 't'), writeInsightFaceArchive([[{ label: 3, image: Buffer.from('one') }]]));
    const columns = {
      label: { type: 'text', values: ['a', 'b'] },
      image: { type: 'bytes', values: [Buffer.from('first'), null] },
    } as const;
    writeTable(join(folder, 't.parquet'), columns, { format: 'parquet' });
    writeTable(join(folder, 't.arrow'), columns, { format: 'arrow' });
    const shown: string[] = [];
    for (const [corpusFormat, name] of [
      ['recordio', 't.rec'],
      ['parquet', 't.parquet'],
      ['arrow', 't.arrow'],
    ] as const) {
      const config = parseRunConfig({ corpus: join(folder, name), corpusFormat, imageRoot: folder });
      for (const { face } of await corpusImages(config)) {
        const read = await readFaceImage(config, folderSource(folder), face, new AbortController().signal);
        shown.push(read.status === 'ok' ? Buffer.from(read.bytes).toString() : read.rejection.code);
      }
    }
    assert.deepEqual(shown, ['one', 'first', 'no-image', 'first', 'no-image']);
  }));

test('a row with a path and no image is rejected as such, read together or alone', () =>
  withTempFolder(async (folder) => {
    const columns = {
      label: { type: 'text', values: ['a', 'b'] },
      image: { type: 'image struct', values: [Buffer.from('A'), null] },
    } as const;
    for (const corpusFormat of ['parquet', 'arrow'] as const) {
      const name = `t.${corpusFormat}`;
      writeTable(join(folder, name), columns, { format: corpusFormat });
      const config = parseRunConfig({ corpus: join(folder, name), corpusFormat, imageRoot: folder });
      const face = { faceId: `${name}#1`, subjectId: 'b', uri: name, bytes: 0, row: 1 };
      const never = new AbortController().signal;
      const source = folderSource(folder);
      const rows = openRowImages(source, { format: corpusFormat, columns: config.tableColumns }, never);
      for (const read of [await readFaceImage(config, source, face, never), await rows.read(face)]) {
        assert.ok(read.status === 'rejected');
        assert.equal(read.rejection.code, 'no-image');
        assert.match(read.rejection.message, /row 1 holds a path and no image; embed the images, or/);
      }
      await rows.close();
      assert.equal((await corpusImages(config))[1]?.image, 'no-image');
    }
  }));

test('a table that is gone, broken or without its column rejects its photographs, read together or alone', () =>
  withTempFolder(async (folder) => {
    const path = join(folder, 't.parquet');
    const label = { type: 'integer', values: [1] } as const;
    const image = { type: 'bytes', values: [Buffer.from('A')] } as const;
    writeTable(path, { label, picture: image }, { format: 'parquet' });
    const config = {
      corpus: path,
      corpusFormat: 'parquet',
      imageRoot: folder,
      tableColumns: { image: 'picture' },
    } as const;
    const run = parseRunConfig(config);
    const { signal } = new AbortController();
    const { face } = (await corpusImages(run))[0]!;
    const readBoth = async () => {
      const alone = await readFaceImage(run, folderSource(folder), face, signal);
      const [together] = await imagesOf(run, [face]);
      return [alone.status === 'ok' ? 'ok' : alone.rejection.code, together!.image];
    };
    writeTable(path, { label, image }, { format: 'parquet' });
    assert.deepEqual(await readBoth(), ['bad-table', 'bad-table']);
    writeFileSync(path, 'PAR1 and nothing of the kind');
    assert.deepEqual(await readBoth(), ['broken-table', 'broken-table']);
    rmSync(path);
    assert.deepEqual(await readBoth(), ['missing', 'missing']);
  }));

test("an image comes out of its record, and a record that has changed since the listing is nobody's image", () =>
  withTempFolder(async (folder) => {
    const several = Buffer.concat([Buffer.from('many'), MAGIC, Buffer.from('parts')]);
    const archive = writeInsightFaceArchive([
      [
        { label: 0, image: Buffer.from('one') },
        { label: 0, image: several },
      ],
      [{ label: 1, image: Buffer.from('other') }],
    ]);
    const config = { corpus: join(folder, 't.rec'), corpusFormat: 'recordio', imageRoot: folder } as const;
    saveArchive(join(folder, 't'), archive);
    const read = await corpusImages(config);
    const parts = `0/2: ${several.toString('latin1')}`;
    assert.deepEqual(describeFaces(read), ['0/1: one', parts, '1/3: other']);

    const file = join(folder, 't.rec');
    const faces = read.map(({ face }) => face);
    writeFileSync(file, Buffer.concat([Buffer.alloc(4), readFileSync(file)]));
    const moved = await imagesOf(config, faces);
    assert.deepEqual(
      moved.map(({ image }) => image),
      ['broken-record', 'broken-record', 'broken-record'],
    );
    const relabelled = Buffer.from(archive.rec);
    relabelled.writeFloatLE(5, (archive.offsets[3] as number) + 12);
    writeFileSync(file, relabelled);
    const other = await imagesOf(config, faces);
    assert.deepEqual(describeFaces(other), ['0/1: one', parts, '1/3: another-record']);
    writeFileSync(file, archive.rec.subarray(0, archive.offsets[3]));
    assert.deepEqual(describeFaces(await imagesOf(config, faces)), ['0/1: one', parts, '1/3: beyond-end']);
  }));

test('a photograph in a tar that was replaced by another is nobody’s, read with its shard or alone', () =>
  withTempFolder(async (folder) => {
    const path = join(folder, 't.tar');
    const body = (text: string, bytes: number) => Buffer.alloc(bytes, text);
    await writeTar(path, [
      ['p/0.jpg', body('a', 700)],
      ['p/1.jpg', body('b', 900)],
      ['q/2.jpg', body('c', 900)],
    ]);
    const config = { corpus: path, corpusFormat: 'webdataset', imageRoot: folder } as const;
    const listed = await corpusImages({ ...config, subjectFrom: 'folder' });
    assert.deepEqual(
      listed.map(({ image }) => (Buffer.isBuffer(image) ? `${image.length} ${image.subarray(0, 1)}` : image)),
      ['700 a', '900 b', '900 c'],
    );
    const faces = listed.map(({ face }) => face);
    // The first is as before, the second another one, the third lies elsewhere.
    await writeTar(path, [
      ['p/0.jpg', body('a', 700)],
      ['p/other.jpg', body('x', 1_500)],
      ['q/2.jpg', body('c', 900)],
    ]);
    const codes = (await imagesOf(config, faces)).map(({ image }) => (Buffer.isBuffer(image) ? 'ok' : image));
    assert.deepEqual(codes, ['ok', 'another-member', 'another-member']);
    const run = parseRunConfig(config);
    for (const [i, face] of faces.entries()) {
      const read = await readFaceImage(run, folderSource(folder), face, new AbortController().signal);
      assert.equal(read.status === 'ok' ? 'ok' : read.rejection.code, codes[i]);
    }
    const lying = { ...faces[0]!, offset: 100 };
    const read = await readFaceImage(run, folderSource(folder), lying, new AbortController().signal);
    assert.equal(read.status === 'rejected' && read.rejection.code, 'another-member');
  }));

const LAYOUTS: readonly WriteOptions[] = [
  { format: 'parquet' },
  { format: 'parquet', pieceRows: 8, pageRows: 1 },
  { format: 'arrow', pieceRows: 4 },
];

for (const options of LAYOUTS) {
  const { format } = options;
  const corpusFormat = format === 'parquet' ? format : 'arrow';
  const name = `t.${corpusFormat}`;

  /** Rows as person, face and image; without faces, the table has no column for them. */
  const write = (
    folder: string,
    rows: readonly (readonly [number, string | null, string])[],
    named = true,
  ) => {
    const face = { type: 'text', values: rows.map(([, face]) => face) } as const;
    writeTable(
      join(folder, name),
      {
        ...(named && { face_id: face }),
        label: { type: 'integer', values: rows.map(([label]) => label) },
        image: { type: 'bytes', values: rows.map(([, , image]) => Buffer.from(image)) },
      },
      options,
    );
  };

  test(`a row of a table that is another's than was listed is nobody's photograph, read with its shard or alone [${JSON.stringify(options)}]`, () =>
    withTempFolder(async (folder) => {
      const config = { corpus: join(folder, name), corpusFormat, imageRoot: folder } as const;
      const run = parseRunConfig(config);
      write(folder, [
        [1, 'a', 'A'],
        [1, 'b', 'B'],
        [2, 'c', 'C'],
        [2, 'd', 'D'],
        [3, 'e', 'E'],
      ]);
      const faces = (await corpusImages(config)).map(({ face }) => face);
      // The first is as it was; then the same person's other face, others' faces, and a face without a name.
      write(folder, [
        [1, 'a', 'A'],
        [1, 'f', 'F'],
        [3, 'e', 'E'],
        [1, 'd', 'D'],
        [3, null, 'E'],
      ]);
      const shown = [
        '1/a: A',
        '1/b: another-row',
        '2/c: another-row',
        '2/d: another-row',
        '3/e: another-row',
      ];
      assert.deepEqual(describeFaces(await imagesOf(config, faces)), shown);
      assert.deepEqual(describeFaces(await imagesOf(config, [faces[0]!, faces[4]!])), [shown[0], shown[4]]);
      const { signal } = new AbortController();
      const photographs = await openPhotographs(run, { signal });
      for (const [i, face] of faces.entries()) {
        const alone = await readFaceImage(run, folderSource(folder), face, signal);
        for (const read of [alone, await photographs.read(face)]) {
          const code = read.status === 'ok' ? Buffer.from(read.bytes).toString() : read.rejection.code;
          assert.equal(`${face.subjectId}/${face.faceId}: ${code}`, shown[i]);
        }
      }
      await photographs.close();
    }));

  test(`of a table without face ids, the person of a row is compared [${JSON.stringify(options)}]`, () =>
    withTempFolder(async (folder) => {
      const config = { corpus: join(folder, name), corpusFormat, imageRoot: folder } as const;
      write(
        folder,
        [
          [1, null, 'A'],
          [2, null, 'B'],
        ],
        false,
      );
      const faces = (await corpusImages(config)).map(({ face }) => face);
      write(
        folder,
        [
          [1, null, 'C'],
          [1, null, 'A'],
        ],
        false,
      );
      assert.deepEqual(describeFaces(await imagesOf(config, faces)), [
        `1/${name}#0: C`,
        `2/${name}#1: another-row`,
      ]);
    }));
}
