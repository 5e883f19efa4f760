import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { shrink, THUMBNAIL_SIDE } from '../../src/dashboard/data/thumbnail.ts';
import { samplePhotographs } from '../helpers/photographs.ts';

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
