import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { openPhotographs } from '../../src/dashboard/data/photographs.ts';
import { openThumbnails, shrink, THUMBNAIL_SIDE } from '../../src/dashboard/data/thumbnail.ts';
import { parseRunConfig } from '../../src/shared/config.ts';
import type { FaceRecord } from '../../src/shared/face.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { samplePhotographs } from '../helpers/photographs.ts';
import { packImage, writeArchive } from '../helpers/recordIoWriter.ts';
import { withS3 } from '../helpers/services/s3.ts';
import { tableBytes } from '../helpers/tableFiles.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { END, member } from '../producer/tar/tars.ts';

const photograph = samplePhotographs(1)[0]!.bytes;

const wordOf = async (bytes: Uint8Array): Promise<string | undefined> => {
  const made = await shrink(bytes);
  return made.status === 'none' ? made.word : undefined;
};

test('a thumbnail is small, upright, and holds nothing of the file’s metadata', async () => {
  const turned = await sharp(photograph)
    .resize(900, 600, { fit: 'fill' })
    .withExif({ IFD0: { Artist: 'somebody' } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  const made = await shrink(turned);
  assert.ok(made.status === 'ok');
  const { width, height, format, exif, icc, xmp } = await sharp(made.webp).metadata();
  assert.deepEqual([format, height, width], ['webp', THUMBNAIL_SIDE, Math.round((THUMBNAIL_SIDE * 2) / 3)]);
  assert.deepEqual([exif, icc, xmp], [undefined, undefined, undefined]);
  assert.ok(made.webp.length < 30_000);
});

test('a photograph that ends early is shown as far as it goes', async () => {
  const made = await shrink(photograph.subarray(0, Math.floor(photograph.length / 2)));
  assert.equal(made.status, 'ok');
});

test('what is no picture, or is none that one wants to decode, is a word', async () => {
  assert.equal(await wordOf(new Uint8Array(0)), 'empty file');
  assert.equal(await wordOf(Buffer.from('hello')), 'not an image');
  assert.equal(await wordOf(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')), 'not an image');
  assert.equal(await wordOf(Buffer.from('P6 70000 70000 255\n')), 'too many pixels');
  const wide = await sharp({ create: { width: 8_000, height: 3_000, channels: 3, background: '#000' } })
    .png()
    .toBuffer();
  assert.equal(await wordOf(wide), 'too many pixels');
  assert.equal(await wordOf(Buffer.concat([photograph.subarray(0, 30), Buffer.alloc(2_000, 7)])), 'damaged');
});

test('a photograph in an archive is read as a range of it, from a folder and from S3; without the corpus there is a word', () =>
  withS3({ conditionalPuts: true }, ({ endpoint, bucket }) =>
    withTempFolder(async (folder) => {
      const archive = Buffer.concat([member('p/a.jpg', photograph), END]);
      await writeFile(join(folder, 'faces.tar'), archive);
      const store = await openStore(`s3://${bucket}/corpus`, { s3: { endpoint } });
      await store.put('faces.tar', archive);
      await store.close();
      const face = { faceId: 'a', subjectId: 'p', uri: 'faces.tar', offset: 512, bytes: photograph.length };
      const made = async (imageRoot: string): Promise<string> => {
        const config = parseRunConfig({ corpus: imageRoot, corpusFormat: 'webdataset', imageRoot });
        const photographs = openPhotographs({ config }, { endpoint });
        const picture = await openThumbnails(photographs).of('0/0', face);
        await photographs.close();
        return picture.status === 'ok' ? 'picture' : picture.word;
      };
      assert.equal(await made(folder), 'picture');
      assert.equal(await made(`s3://${bucket}/corpus`), 'picture');
      assert.equal(await made(join(folder, 'elsewhere')), 'not here');
      assert.equal(await made('s3://no-such-bucket/corpus'), 'not here');
    }),
  ));

test('a photograph in a record or in a row of a table is taken out of it', () =>
  withTempFolder(async (folder) => {
    const { rec, offsets } = writeArchive([packImage(3, 0, photograph), packImage(7, 1, photograph)]);
    await writeFile(join(folder, 'train.rec'), rec);
    const values = [null, photograph];
    const columns = {
      subject_id: { type: 'text', values: ['7', '7'] },
      image: { type: 'bytes', values },
    } as const;
    const table = tableBytes(columns, { format: 'parquet' });
    await writeFile(join(folder, 'faces.parquet'), table);
    const made = async (corpusFormat: 'recordio' | 'parquet', face: Partial<FaceRecord>): Promise<string> => {
      const config = parseRunConfig({ corpus: folder, corpusFormat, imageRoot: folder });
      const photographs = openPhotographs({ config }, {});
      const whole = { faceId: 'a', subjectId: '7', uri: 'faces.parquet', bytes: 0, ...face };
      const picture = await openThumbnails(photographs).of('0/0', whole);
      await photographs.close();
      return picture.status === 'ok' ? 'picture' : picture.word;
    };
    const [first = 0, second = 0] = offsets;
    const record = { uri: 'train.rec', offset: second, bytes: rec.length - second };
    assert.equal(await made('recordio', record), 'picture');
    assert.equal(await made('recordio', { ...record, offset: first, bytes: second }), 'not readable');
    const inRow = (row: number) => ({ faceId: `faces.parquet#${row}`, row });
    assert.equal(await made('parquet', inRow(1)), 'picture');
    assert.equal(await made('parquet', inRow(0)), 'not readable');
    assert.equal(await made('parquet', { ...inRow(1), subjectId: '8' }), 'replaced');
  }));
