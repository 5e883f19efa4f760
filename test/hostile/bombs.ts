/** Files of a few kilobytes or megabytes that unpack to gigabytes, or that take minutes to decode. */
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';

export interface Bomb {
  readonly title: string;
  make(): Promise<Buffer> | Buffer;
  /** The reject code; absent: it is decoded. */
  readonly code?: string;
  /** A legitimate picture at the limit: takes seconds to make, so it is tried in the long form only. */
  readonly large?: true;
}

function pngChunk(type: string, body: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, sum]);
}

/** `data`: the whole IDAT, packed; absent: a header that promises without keeping. */
function png(width: number, height: number, data?: Buffer, ...extra: Buffer[]): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  header[9] = 0;
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', header),
    ...extra,
    pngChunk('IDAT', data ?? deflateSync(Buffer.alloc(100))),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A classic little-endian TIFF of one strip; tags as [tag, type, count, value]. */
function tiff(tags: readonly (readonly [number, number, number, number])[], tail = Buffer.alloc(64)): Buffer {
  const directory = Buffer.alloc(2 + 12 * tags.length + 4);
  directory.writeUInt16LE(tags.length, 0);
  for (const [i, [tag, type, count, value]] of tags.entries()) {
    const at = 2 + 12 * i;
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(type, at + 2);
    directory.writeUInt32LE(count, at + 4);
    directory.writeUInt32LE(value, at + 8);
  }
  const header = Buffer.from([0x49, 0x49, 42, 0, 8, 0, 0, 0]);
  return Buffer.concat([header, directory, tail]);
}

function tiffOf(width: number, height: number, samples: number, rowsPerStrip: number): Buffer {
  return tiff([
    [256, 4, 1, width],
    [257, 4, 1, height],
    [258, 3, 1, 8],
    [259, 3, 1, 1],
    [262, 3, 1, samples >= 3 ? 2 : 1],
    [273, 4, 1, 8],
    [277, 3, 1, samples],
    [278, 4, 1, rowsPerStrip],
    [279, 4, 1, 64],
    [284, 3, 1, 1],
  ]);
}

/** A header alone, for formats whose size stands in the first bytes. */
function gif(width: number, height: number): Buffer {
  const header = Buffer.from('GIF89a\0\0\0\0\xf0\0\0\0\0\0\xff\xff\xff', 'latin1');
  header.writeUInt16LE(width, 6);
  header.writeUInt16LE(height, 8);
  const image = Buffer.from([0x2c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 0x4c, 1, 0, 0x3b]);
  image.writeUInt16LE(width, 5);
  image.writeUInt16LE(height, 7);
  return Buffer.concat([header, image]);
}

async function jpegOf(width: number, height: number): Promise<Buffer> {
  const bytes = Buffer.from(await flat(64, 64).jpeg().toBuffer());
  const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
  bytes.writeUInt16BE(height, frame + 5);
  bytes.writeUInt16BE(width, frame + 7);
  return bytes;
}

async function webpOf(): Promise<Buffer> {
  const bytes = Buffer.from(await flat(64, 64).webp({ lossless: true }).toBuffer());
  // 14 bits of width and of height after the mark 0x2f: all ones.
  const at = bytes.indexOf(0x2f, 20) + 1;
  bytes.writeUInt32LE((bytes.readUInt32LE(at) | 0x0fffffff) >>> 0, at);
  return bytes;
}

/** The last scan of a progressive JPEG again and again: every one is a pass over all coefficients. */
async function manyScans(side: number, scans: number): Promise<Buffer> {
  const bytes = await flat(side, side).jpeg({ progressive: true }).toBuffer();
  const last = bytes.lastIndexOf(Buffer.from([0xff, 0xda]));
  const end = bytes.length - 2;
  const scan = bytes.subarray(last, end);
  return Buffer.concat([
    bytes.subarray(0, end),
    ...Array.from({ length: scans }, () => scan),
    bytes.subarray(end),
  ]);
}

const flat = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#a86' }, limitInputPixels: false });

/** The largest pictures that are let in: 64 million pixels. */
const LIMIT = 8_000;

export const BOMBS: readonly Bomb[] = [
  {
    title: 'PNG of 30,000 × 30,000 grey pixels',
    make: () => png(30_000, 30_000, deflateSync(Buffer.alloc(30_001 * 2_000))),
    code: 'too-many-pixels',
  },
  {
    title: 'PNG that promises 2³¹ × 2³¹',
    make: () => png(2 ** 31 - 1, 2 ** 31 - 1),
    code: 'too-many-pixels',
  },
  { title: 'PNG that promises 65,535 × 65,535', make: () => png(65_535, 65_535), code: 'too-many-pixels' },
  {
    title: 'PNG with 300 MB of compressed text',
    make: () =>
      png(
        64,
        64,
        deflateSync(Buffer.alloc(65 * 64)),
        pngChunk(
          'zTXt',
          Buffer.concat([Buffer.from('Comment\0\0', 'latin1'), deflateSync(Buffer.alloc(300 * 2 ** 20))]),
        ),
      ),
  },
  {
    title: 'PNG with a colour profile of 300 MB',
    make: () =>
      png(
        64,
        64,
        deflateSync(Buffer.alloc(65 * 64)),
        pngChunk(
          'iCCP',
          Buffer.concat([Buffer.from('x\0\0', 'latin1'), deflateSync(Buffer.alloc(300 * 2 ** 20))]),
        ),
      ),
  },
  {
    title: 'JPEG that promises 65,500 × 65,500',
    make: () => jpegOf(65_500, 65_500),
    code: 'too-many-pixels',
  },
  { title: 'WebP that promises 16,384 × 16,384', make: webpOf, code: 'too-many-pixels' },
  { title: 'GIF that promises 65,535 × 65,535', make: () => gif(65_535, 65_535), code: 'too-many-pixels' },
  { title: 'GIF of 7,900 × 7,900 without pixels', make: () => gif(7_900, 7_900) },
  {
    title: 'TIFF that promises 2³¹ × 2³¹',
    make: () => tiffOf(2 ** 31 - 1, 2 ** 31 - 1, 1, 1),
    code: 'damaged',
  },
  {
    title: 'TIFF of one strip of 60,000 × 60,000',
    make: () => tiffOf(60_000, 60_000, 3, 60_000),
    code: 'too-many-pixels',
  },
  {
    title: 'TIFF of 7,000 × 7,000 with 500 channels',
    make: () => tiffOf(7_000, 7_000, 500, 7_000),
    code: 'damaged',
  },
  {
    title: 'TIFF of 7,000 × 7,000 with one strip that is not there',
    make: () => tiffOf(7_000, 7_000, 3, 7_000),
    code: 'damaged',
  },
  {
    title: 'PGM that promises 999,999,999 × 999,999,999',
    make: () => Buffer.from('P5 999999999 999999999 255\nx'),
    code: 'too-many-pixels',
  },
  {
    title: 'PPM that promises 7,999 × 7,999 and has 3 bytes',
    make: () => Buffer.from('P6 7999 7999 65535\nxxx'),
    code: 'truncated',
  },
  {
    title: 'JPEG of 16 megapixels with 2,000 scans',
    make: () => manyScans(4_000, 2_000),
    code: 'damaged',
  },
  {
    title: 'a strip of 16 × 3,999,999',
    make: () => png(16, 3_999_999, deflateSync(Buffer.alloc(17 * 3_999_999))),
    code: 'too-long',
  },
  { large: true, title: 'the largest JPEG', make: () => flat(LIMIT, LIMIT).jpeg().toBuffer() },
  {
    large: true,
    title: 'the largest progressive JPEG',
    make: () => flat(LIMIT, LIMIT).jpeg({ progressive: true }).toBuffer(),
  },
  {
    large: true,
    title: 'the largest interlaced PNG with transparency',
    make: () => flat(LIMIT, LIMIT).ensureAlpha(0.5).png({ progressive: true }).toBuffer(),
  },
  { large: true, title: 'the largest WebP', make: () => flat(LIMIT, LIMIT).webp({ effort: 0 }).toBuffer() },
  {
    large: true,
    title: 'the largest TIFF',
    make: () => flat(LIMIT, LIMIT).tiff({ compression: 'deflate' }).toBuffer(),
  },
  { large: true, title: 'the largest GIF', make: () => flat(LIMIT, LIMIT).gif({ effort: 1 }).toBuffer() },
  {
    large: true,
    title: 'the largest PPM',
    make: () =>
      Buffer.concat([Buffer.from(`P6 ${LIMIT} ${LIMIT} 255\n`), Buffer.alloc(3 * LIMIT * LIMIT, 99)]),
  },
  {
    large: true,
    title: 'the largest interlaced PNG of 16 bits with transparency',
    make: () =>
      flat(LIMIT, LIMIT)
        .toColourspace('rgb16')
        .ensureAlpha(0.5)
        .png({ progressive: true, compressionLevel: 1 })
        .toBuffer(),
  },
  {
    large: true,
    title: 'the largest progressive JPEG in four colours',
    make: () => flat(LIMIT, LIMIT).toColourspace('cmyk').jpeg({ progressive: true }).toBuffer(),
  },
  {
    large: true,
    title: 'a plain PGM of 58 million pixels in 120 MB of text',
    make: () => Buffer.concat([Buffer.from('P2 8000 7300 9\n'), Buffer.alloc(2 * 8_000 * 7_300, '7 ')]),
  },
];
