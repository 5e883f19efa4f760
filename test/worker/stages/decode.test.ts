import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import type { Rejection } from '../../../src/shared/face.ts';
import { readTiffColours } from '../../../src/shared/picture/tiffHeader.ts';
import { openPictureMemory } from '../../../src/worker/models/pictureMemory.ts';
import { levelFor } from '../../../src/worker/models/pyramid.ts';
import type { Raster } from '../../../src/worker/models/raster.ts';
import { DECODE_SIDE, decodedBytes, decodeImage } from '../../../src/worker/stages/decode.ts';
import { samplePhotographs } from '../../helpers/photographs.ts';
import { type TiffSamples, tiffFile } from '../../helpers/tiffFile.ts';

const photograph = samplePhotographs(1)[0]!.bytes;

async function decoded(bytes: Uint8Array): Promise<Raster> {
  const result = await decodeImage(bytes);
  assert.ok(!('code' in result), `rejected: ${JSON.stringify(result)}`);
  return result;
}

async function rejected(bytes: Uint8Array): Promise<Rejection> {
  const result = await decodeImage(bytes);
  assert.ok('code' in result, 'expected a rejection');
  assert.equal(result.stage, 'decode');
  assert.ok(result.message.length > 10);
  return result;
}

/** Mean absolute difference of two pictures of one size. */
function difference(a: Raster, b: Raster): number {
  assert.deepEqual([a.width, a.height], [b.width, b.height]);
  return a.data.reduce((sum, value, i) => sum + Math.abs(value - b.data[i]!), 0) / a.data.length;
}

/** A PNG of these rows of samples, each with its filter byte. */
function pngFile(
  { side, bits, colour }: { side: number; bits: number; colour: 0 | 2 },
  rows: Buffer,
  profile?: Buffer,
): Buffer {
  const chunk = (type: string, body: Buffer) => {
    const typed = Buffer.concat([Buffer.from(type, 'latin1'), body]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(body.length, 0);
    frame.writeUInt32BE(crc32(typed), 4);
    return Buffer.concat([frame.subarray(0, 4), typed, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header[8] = bits;
  header[9] = colour;
  const name = Buffer.from('profile\0\0', 'latin1');
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    ...(profile === undefined ? [] : [chunk('iCCP', Buffer.concat([name, deflateSync(profile)]))]),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A valid black PNG of one bit a pixel, however large. */
const hugePng = (side: number): Buffer =>
  pngFile({ side, bits: 1, colour: 0 }, Buffer.alloc(side * (Math.ceil(side / 8) + 1)));

test('a photograph comes out upright whatever its orientation tag says', async () => {
  const upright = await decoded(await sharp(photograph).png().toBuffer());
  // Tag 6: the viewer turns the picture 90° clockwise, so it is stored turned back.
  const turned = await sharp(photograph).rotate(270).png().toBuffer();
  const tagged = await sharp(turned).withMetadata({ orientation: 6 }).png().toBuffer();
  assert.equal(difference(await decoded(tagged), upright), 0);
});

test('the legitimate forms of a photograph all show the same picture', async () => {
  const original = await decoded(photograph);
  const forms: Record<string, [Promise<Buffer>, number]> = {
    png: [sharp(photograph).png().toBuffer(), 0.5],
    'progressive jpeg': [sharp(photograph).jpeg({ quality: 95, progressive: true }).toBuffer(), 3],
    webp: [sharp(photograph).webp({ quality: 95 }).toBuffer(), 4],
    'cmyk jpeg': [sharp(photograph).toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer(), 12],
    'cmyk tiff': [sharp(photograph).toColourspace('cmyk').tiff({ compression: 'lzw' }).toBuffer(), 12],
    '16-bit png': [sharp(photograph).toColourspace('rgb16').png().toBuffer(), 0.5],
    gif: [sharp(photograph).gif().toBuffer(), 6],
    'opaque alpha': [sharp(photograph).ensureAlpha(1).png().toBuffer(), 0.5],
  };
  for (const [name, [bytes, limit]] of Object.entries(forms)) {
    const apart = difference(await decoded(await bytes), original);
    assert.ok(apart <= limit, `${name}: mean difference ${apart}`);
  }
});

test('a picture is the same in memory that is used again, and takes no more of it than its header says', async () => {
  const forms = {
    jpeg: photograph,
    'large jpeg': await sharp(photograph).resize(3000, 2000, { fit: 'fill' }).jpeg().toBuffer(),
    'odd png': await sharp(photograph).resize(333, 219, { fit: 'fill' }).png().toBuffer(),
    webp: await sharp(photograph).webp().toBuffer(),
    tiff: await sharp(photograph).tiff().toBuffer(),
    pgm: Buffer.concat([Buffer.from('P5 40 20 255\n', 'latin1'), Buffer.alloc(800, 7)]),
  };
  const memory = openPictureMemory(2 ** 24);
  for (const [name, bytes] of Object.entries(forms)) {
    memory.clear();
    // What is left over from earlier.
    memory.take(2 ** 24).fill(1);
    memory.clear();
    const kept = await decodeImage(bytes, memory);
    assert.ok(!('code' in kept), name);
    assert.equal(kept.memory, memory);
    assert.equal(difference(kept, await decoded(bytes)), 0, name);
    const levels = levelFor(kept, 1_000).level.data;
    const expected = decodedBytes(bytes);
    if (name === 'tiff') assert.equal(expected, undefined);
    else assert.ok(levels.byteOffset + levels.length <= expected!, name);
  }
});

test('a colour profile says the same of samples of 16 bits as of 8', async () => {
  const side = 64;
  const { data } = await sharp(photograph)
    .resize(side, side)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const rowsOf = (bytes: number) => {
    const rows = Buffer.alloc(side * (1 + side * 3 * bytes));
    // The value in every byte of its sample: 257 times it, of 16 bits.
    data.forEach((value, i) => {
      const at = Math.floor(i / (side * 3)) * (1 + side * 3 * bytes) + 1 + (i % (side * 3)) * bytes;
      rows.fill(value, at, at + bytes);
    });
    return rows;
  };
  const { icc } = await sharp(await sharp(photograph).withIccProfile('p3').png().toBuffer()).metadata();
  const form = { side, colour: 2 } as const;
  const [shallow, deep] = [1, 2].map((bytes) => pngFile({ ...form, bits: 8 * bytes }, rowsOf(bytes), icc));
  const plain = pngFile({ ...form, bits: 8 }, rowsOf(1));
  assert.ok(difference(await decoded(deep!), await decoded(shallow!)) < 0.5);
  assert.ok(difference(await decoded(plain), await decoded(shallow!)) > 1, 'the profile changes nothing');
});

test('grey pictures of 8 and 16 bit become three equal channels', async () => {
  for (const form of [sharp(photograph).greyscale(), sharp(photograph).toColourspace('grey16')]) {
    const { data } = await decoded(await form.png().toBuffer());
    assert.ok(data.every((value, i) => value === data[i - (i % 3)]));
    assert.ok(new Set(data).size > 100);
  }
});

/** Side of the pictures below, all of one colour. */
const SIDE = 32;

/** `colour` for every pixel. */
function flat<A extends TiffSamples['pixels']>(
  pixels: new (length: number) => A,
  colour: readonly number[],
): A {
  return new pixels(SIDE * SIDE * colour.length).map((_, i) => colour[i % colour.length]!) as A;
}

/** A JPEG of so many components, every one of them 128: each block says that nothing differs from that. */
function flatJpeg(components: number): Buffer {
  const each = (...rest: number[]) => Array.from({ length: components }, (_, i) => [i + 1, ...rest]).flat();
  const segment = (mark: number, body: readonly number[]) => [0xff, mark, 0, body.length + 2, ...body];
  const oneCode = (table: number) => segment(0xc4, [table, 1, ...new Uint8Array(16)]);
  const blocks = (SIDE / 8) ** 2 * components;
  return Buffer.from([
    ...[0xff, 0xd8, ...segment(0xdb, [0, ...new Uint8Array(64).fill(1)])],
    ...segment(0xc0, [8, 0, SIDE, 0, SIDE, components, ...each(0x11, 0)]),
    ...[...oneCode(0), ...oneCode(0x10), ...segment(0xda, [components, ...each(0), 0, 63, 0])],
    ...[...new Uint8Array((blocks * 2) / 8), 0xff, 0xd9],
  ]);
}

test('a TIFF of grey, colours, inks or a palette is the colour it says, with transparency or without, in any usual depth', async () => {
  const palette = [40, 90, 200].flatMap((value) => Array.from({ length: 256 }, () => value * 257));
  const forms: Record<string, [TiffSamples, readonly number[]]> = {
    rgb: [{ photometric: 2, bands: 3, pixels: flat(Uint8Array, [40, 90, 200]) }, [40, 90, 200]],
    'rgb of 16 bits': [
      { photometric: 2, bands: 3, pixels: flat(Uint16Array, [40 * 257, 90 * 257, 200 * 257]) },
      [40, 90, 200],
    ],
    'rgb and transparency': [
      { photometric: 2, bands: 4, extra: [2], pixels: flat(Uint8Array, [40, 90, 200, 255]) },
      [40, 90, 200],
    ],
    grey: [{ photometric: 1, bands: 1, pixels: flat(Uint8Array, [90]) }, [90, 90, 90]],
    'grey of 16 bits': [{ photometric: 1, bands: 1, pixels: flat(Uint16Array, [90 * 257]) }, [90, 90, 90]],
    'grey and transparency': [
      { photometric: 1, bands: 2, extra: [2], pixels: flat(Uint8Array, [90, 255]) },
      [90, 90, 90],
    ],
    'white is 0': [{ photometric: 0, bands: 1, pixels: flat(Uint8Array, [90]) }, [165, 165, 165]],
    'one bit': [{ photometric: 1, bands: 1, bits: 1, pixels: flat(Uint8Array, [255]) }, [255, 255, 255]],
    'four bits': [{ photometric: 1, bands: 1, bits: 4, pixels: flat(Uint8Array, [0x55]) }, [85, 85, 85]],
    palette: [{ photometric: 3, bands: 1, palette, pixels: flat(Uint8Array, [7]) }, [40, 90, 200]],
    'four inks, none of them': [
      { photometric: 5, bands: 4, pixels: flat(Uint8Array, [0, 0, 0, 0]) },
      [255, 255, 255],
    ],
    'CIELAB of 16 bits, which has signed ones': [
      { photometric: 8, bands: 3, pixels: flat(Uint16Array, [0.6 * 65_535, 30 * 256, 20 * 256]) },
      [203, 123, 111],
    ],
  };
  for (const [name, [samples, colour]] of Object.entries(forms)) {
    const { width, height, data } = await decoded(tiffFile(SIDE, samples));
    assert.deepEqual([width, height, data.length], [SIDE, SIDE, SIDE * SIDE * 3], name);
    for (const [i, value] of data.entries()) {
      assert.ok(Math.abs(value - colour[i % 3]!) <= 1, `${name}: ${data.subarray(0, 3)}`);
    }
  }
});

test('samples whose colour is not known are refused, never taken for a photograph', async () => {
  const rgb = [40, 90, 200];
  const forms: Record<string, TiffSamples> = {
    'rgb and two': { photometric: 2, bands: 5, extra: [0, 0], pixels: flat(Uint8Array, [...rgb, 128, 255]) },
    'rgb, transparency and one': {
      photometric: 2,
      bands: 5,
      extra: [2, 0],
      pixels: flat(Uint8Array, [...rgb, 255, 0]),
    },
    'grey and two': { photometric: 1, bands: 3, extra: [0, 0], pixels: flat(Uint8Array, rgb) },
    'grey and three': { photometric: 1, bands: 4, extra: [0, 0, 0], pixels: flat(Uint8Array, [...rgb, 9]) },
    'signed, 8 bits': { photometric: 1, bands: 1, sampleFormat: 2, pixels: flat(Int8Array, [90]) },
    'signed, 16 bits': { photometric: 2, bands: 3, sampleFormat: 2, pixels: flat(Int16Array, rgb) },
    'unsigned, 32 bits': { photometric: 2, bands: 3, pixels: flat(Uint32Array, rgb) },
    'floating point': {
      photometric: 2,
      bands: 3,
      sampleFormat: 3,
      pixels: flat(Float32Array, [0.2, 0.4, 0.8]),
    },
    'grey in floating point': {
      photometric: 1,
      bands: 1,
      sampleFormat: 3,
      pixels: flat(Float32Array, [0.4]),
    },
    'YCbCr that is not in JPEG': { photometric: 6, bands: 3, pixels: flat(Uint8Array, [91, 189, 91]) },
    'YCbCr that is not in JPEG, 16 bits': { photometric: 6, bands: 3, pixels: flat(Uint16Array, rgb) },
    'CIELAB and transparency': {
      photometric: 8,
      bands: 4,
      extra: [2],
      pixels: flat(Uint16Array, [0.6 * 65_535, 30 * 256, 20 * 256, 65_535]),
    },
  };
  for (const [name, samples] of Object.entries(forms)) {
    assert.equal((await rejected(tiffFile(SIDE, samples))).code, 'unsupported-samples', name);
  }
  assert.equal((await rejected(flatJpeg(2))).code, 'unsupported-samples');
  assert.deepEqual([...(await decoded(flatJpeg(3))).data.subarray(0, 3)], [128, 128, 128]);
});

test('a TIFF of YCbCr in JPEG compression shows the picture, as a BigTIFF too', async () => {
  const original = await decoded(photograph);
  for (const bigtiff of [false, true]) {
    const tiff = await sharp(photograph).tiff({ compression: 'jpeg', quality: 80, bigtiff }).toBuffer();
    assert.deepEqual(readTiffColours(tiff), { photometric: 6, compression: 7 });
    const apart = difference(await decoded(tiff), original);
    assert.ok(apart <= 6, `mean difference ${apart}`);
  }
});

test('an animation is its first frame', async () => {
  const frames = await Promise.all(
    ['#f00', '#00f'].map((background) =>
      sharp({ create: { width: 40, height: 40, channels: 3, background } })
        .png()
        .toBuffer(),
    ),
  );
  const animated = await sharp(frames, { join: { animated: true } })
    .gif()
    .toBuffer();
  const { width, height, data } = await decoded(animated);
  assert.deepEqual([width, height], [40, 40]);
  assert.deepEqual([...data.subarray(0, 3)], [255, 0, 0]);
});

test('an AVIF that says that it is an animation shows the same picture as one that does not', async () => {
  const still = await sharp({ create: { width: 40, height: 40, channels: 3, background: '#c40' } })
    .avif()
    .toBuffer();
  const animated = Buffer.from(still);
  animated.write('avis', 8, 'latin1');
  assert.deepEqual((await decoded(animated)).data, (await decoded(still)).data);
});

test('a photograph larger than the limit is shrunk and keeps its shape', async () => {
  const large = await sharp(photograph).resize(4000, 3000, { fit: 'fill' }).jpeg().toBuffer();
  const { width, height, data } = await decoded(large);
  assert.deepEqual([width, height], [DECODE_SIDE, DECODE_SIDE * 0.75]);
  assert.equal(data.length, width * height * 3);
});

test('a picture of too many pixels is refused by its header', async () => {
  assert.equal((await rejected(hugePng(20_000))).code, 'too-many-pixels');
  assert.equal((await rejected(Buffer.from('P5\n100000 100000\n255\nxx'))).code, 'too-many-pixels');
});

test('a file that is cut short is refused as truncated, whatever its format', async () => {
  const files: Record<string, Buffer> = {
    jpeg: photograph,
    png: await sharp(photograph).png().toBuffer(),
    webp: await sharp(photograph).webp().toBuffer(),
    gif: await sharp(photograph).gif().toBuffer(),
    pgm: Buffer.concat([Buffer.from('P5 64 64 255\n'), Buffer.alloc(64 * 64)]),
  };
  for (const [name, bytes] of Object.entries(files)) {
    for (const share of [0.5, 0.95]) {
      const { code } = await rejected(bytes.subarray(0, Math.floor(bytes.length * share)));
      assert.equal(code, 'truncated', `${name} cut at ${share}`);
    }
  }
});

test('what is not a photograph is refused and says what it is', async () => {
  const dot = await sharp({ create: { width: 1, height: 1, channels: 3, background: '#fff' } })
    .png()
    .toBuffer();
  const cases: [string, Uint8Array, string][] = [
    ['0 bytes', new Uint8Array(), 'empty-file'],
    ['text', Buffer.from('this is not a photograph\n'.repeat(20)), 'not-an-image'],
    ['svg', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"/>'), 'not-an-image'],
    ['html', Buffer.from('<!doctype html><title>404</title>'), 'not-an-image'],
    ['1×1', dot, 'too-small'],
    ['a JPEG signature alone', Buffer.from('ffd8ffe0', 'hex'), 'truncated'],
    ['a PGM without a size', Buffer.from('P5\nhello'), 'not-an-image'],
  ];
  for (const [name, bytes, code] of cases) {
    assert.equal((await rejected(bytes)).code, code, name);
  }
});
