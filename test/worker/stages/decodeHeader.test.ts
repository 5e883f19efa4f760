import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import sharp from 'sharp';
import { imageFormat } from '../../../src/worker/stages/decodeFormat.ts';
import { readImageHeader } from '../../../src/worker/stages/decodeHeader.ts';
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

test('what is cut off before its size, and other formats, have none here; any bytes are borne', async () => {
  const photograph = samplePhotographs(1)[0]!.bytes;
  assert.equal(sizeOf(photograph.subarray(0, 12)), undefined);
  const webp = await sharp(photograph).resize(32).webp().toBuffer();
  assert.equal(sizeOf(webp), undefined);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom('jpeg', 'png'), (bytes, format) => {
      const start = format === 'jpeg' ? [0xff, 0xd8, 0xff] : [0x89, 0x50, 0x4e, 0x47];
      readImageHeader(Uint8Array.from([...start, ...bytes]), format);
    }),
  );
});
