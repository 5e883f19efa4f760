/** libjpeg-turbo beside sharp: who decodes must not be seen in a table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import sharp from 'sharp';
import { readImageHeader } from '../../../src/shared/picture/readImageHeader.ts';
import { decodePlainJpeg, libjpegTurboFile } from '../../../src/worker/stages/libjpegTurbo.ts';
import { samplePhotographs } from '../../helpers/photographs.ts';
import { mutateBytes } from '../../hostile/mutate.ts';

const skip = libjpegTurboFile === undefined && 'no libjpeg-turbo on this machine';
const photographs = samplePhotographs(24);

/** What libjpeg-turbo is asked to decode: its answer, if it gives one. */
function byTurbo(bytes: Uint8Array) {
  const header = readImageHeader(bytes, 'jpeg');
  return header?.isPlainJpeg ? decodePlainJpeg(bytes, header) : undefined;
}

/** As `decode.ts` has sharp do it. */
async function bySharp(bytes: Uint8Array) {
  const { data, info } = await sharp(bytes, { failOn: 'error' })
    .autoOrient()
    .flatten({ background: '#000' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

async function assertSame(bytes: Uint8Array): Promise<void> {
  const found = byTurbo(bytes);
  assert.ok(found !== undefined, 'left to sharp');
  const { width, height, data } = await bySharp(bytes);
  assert.deepEqual([found.width, found.height], [width, height]);
  assert.equal(Buffer.compare(found.data, data), 0, 'pixels differ');
}

test('real photographs have the same pixels', { skip }, async () => {
  for (const { bytes } of photographs) await assertSame(bytes);
});

test('so has every plain form of them, whatever its size, in whichever memory it lies', { skip }, () =>
  fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...photographs),
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 100 }),
      fc.record({
        chromaSubsampling: fc.constantFrom('4:2:0', '4:4:4'),
        progressive: fc.boolean(),
        optimiseCoding: fc.boolean(),
      }),
      fc.boolean(),
      fc.nat({ max: 9 }),
      async ({ bytes }, width, height, quality, form, grey, offset) => {
        const small = sharp(bytes).resize(width, height, { fit: 'fill' }).greyscale(grey);
        const jpeg = await small.jpeg({ quality, ...form }).toBuffer();
        const elsewhere = Buffer.concat([Buffer.alloc(offset), jpeg, Buffer.alloc(9)]);
        await assertSame(elsewhere.subarray(offset, offset + jpeg.length));
      },
    ),
    { numRuns: 200 },
  ),
);

/** The JPEG with an orientation tag in front (Exif 2.32, 4.5.2), in either order of bytes. */
function tagged(jpeg: Buffer, orientation: number, isLittle: boolean): Buffer {
  const bytes = Buffer.alloc(32);
  const segment = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  bytes.write('Exif\0\0', 0, 'latin1');
  bytes.write(isLittle ? 'II' : 'MM', 6, 'latin1');
  segment.setUint16(8, 42, isLittle);
  segment.setUint32(10, 8, isLittle);
  // One entry: tag, SHORT, one of them, its value.
  segment.setUint16(14, 1, isLittle);
  segment.setUint16(16, 0x0112, isLittle);
  segment.setUint16(18, 3, isLittle);
  segment.setUint32(20, 1, isLittle);
  segment.setUint16(24, orientation, isLittle);
  return Buffer.concat([jpeg.subarray(0, 2), Buffer.from('ffe10022', 'hex'), bytes, jpeg.subarray(2)]);
}

test('a photograph that has to be turned, converted or judged is left to sharp', { skip }, async () => {
  const image = () => sharp(photographs[0]!.bytes).resize(64);
  const plain = await image().jpeg().toBuffer();
  const left: Record<string, Buffer> = {
    'of another colour space': await image().withIccProfile('p3').jpeg().toBuffer(),
    'of four colours': await image().toColourspace('cmyk').jpeg().toBuffer(),
    'cut short': plain.subarray(0, plain.length - 100),
    'its tags cut short': Buffer.concat([
      plain.subarray(0, 2),
      Buffer.from('ffe10008457869660000', 'hex'),
      plain.subarray(2),
    ]),
  };
  for (const isLittle of [true, false]) {
    await assertSame(tagged(plain, 1, isLittle));
    for (let orientation = 2; orientation <= 8; orientation++) {
      const turned = tagged(plain, orientation, isLittle);
      assert.equal((await sharp(turned).metadata()).orientation, orientation);
      left[`turned, ${orientation}`] = turned;
    }
  }
  for (const [name, bytes] of Object.entries(left)) assert.equal(byTurbo(bytes), undefined, name);
});

test('what it makes of a damaged file is what sharp makes of it', { skip }, async () => {
  const small = await Promise.all(
    [false, true].map((progressive) =>
      sharp(photographs[0]!.bytes).resize(96).jpeg({ progressive }).toBuffer(),
    ),
  );
  let decoded = 0;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...small), fc.nat(), async (jpeg, seed) => {
      const damaged = mutateBytes(jpeg, seed);
      if (byTurbo(damaged) === undefined) return;
      await assertSame(damaged);
      decoded++;
    }),
    { numRuns: 500 },
  );
  assert.ok(decoded > 20, `only ${decoded} were decoded`);
});
