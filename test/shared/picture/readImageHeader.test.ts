import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import sharp from 'sharp';
import { imageFormat } from '../../../src/shared/picture/imageFormat.ts';
import { readImageHeader } from '../../../src/shared/picture/readImageHeader.ts';
import { samplePhotographs } from '../../helpers/photographs.ts';

function sizeOf(bytes: Uint8Array) {
  const header = readImageHeader(bytes, imageFormat(bytes)!);
  return header && { width: header.width, height: header.height };
}

test('the size of a photograph, baseline or progressive JPEG or PNG, is that which a decoder finds', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 300 }),
      fc.constantFrom('jpeg', 'png'),
      fc.boolean(),
      async (width, height, format, progressive) => {
        const blank = sharp({ create: { width, height, channels: 3, background: '#777' } });
        const tagged = blank.withMetadata({ orientation: 6 });
        const bytes = await tagged.toFormat(format, { progressive }).toBuffer();
        assert.deepEqual(sizeOf(bytes), { width, height });
      },
    ),
    { numRuns: 50 },
  ));

test('real photographs', async () => {
  for (const { bytes } of samplePhotographs(6)) {
    const { width, height } = await sharp(bytes).metadata();
    assert.deepEqual(sizeOf(bytes), { width, height });
  }
});

test('the size of a WebP, lossy, lossless, with transparency, metadata or several frames, is that which a decoder finds', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 300 }),
      fc.constantFrom('lossy', 'lossless', 'transparent', 'tagged', 'animated'),
      async (width, height, kind) => {
        const alpha = kind === 'transparent' ? 0.5 : 1;
        const background = { r: 90, g: 120, b: 60, alpha };
        const blank = sharp({ create: { width, height, channels: 4, background } });
        const image =
          kind === 'animated'
            ? sharp(await Promise.all([blank.png().toBuffer(), blank.png().toBuffer()]), {
                join: { animated: true },
              })
            : kind === 'tagged'
              ? blank.withMetadata({ orientation: 6 })
              : blank;
        const bytes = await image.webp({ lossless: kind === 'lossless', loop: 0 }).toBuffer();
        const found = await sharp(bytes).metadata();
        assert.deepEqual(sizeOf(bytes), { width: found.width, height: found.height });
        assert.deepEqual(sizeOf(bytes), { width, height });
      },
    ),
    { numRuns: 50 },
  ));

test('what is cut off before its size, and other formats, have none here; any bytes are borne', async () => {
  const photograph = samplePhotographs(1)[0]!.bytes;
  assert.equal(sizeOf(photograph.subarray(0, 12)), undefined);
  const webp = await sharp(photograph).resize(32).webp().toBuffer();
  assert.equal(sizeOf(webp.subarray(0, 29)), undefined);
  const tiff = await sharp(photograph).resize(32).tiff().toBuffer();
  assert.equal(sizeOf(tiff), undefined);
  const starts = {
    jpeg: [[0xff, 0xd8, 0xff]],
    png: [[0x89, 0x50, 0x4e, 0x47]],
    webp: ['VP8 ', 'VP8L', 'VP8X'].map((chunk) => [...Buffer.from(`RIFF0000WEBP${chunk}`)]),
  } as const;
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 64 }),
      fc.constantFrom('jpeg' as const, 'png' as const, 'webp' as const),
      (bytes, format) => {
        for (const start of starts[format]) readImageHeader(Uint8Array.from([...start, ...bytes]), format);
      },
    ),
  );
});
