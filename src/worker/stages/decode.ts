/**
 * Bytes of a file → upright 8-bit RGB pixels. Anything that is a legitimate photograph comes through (orientation
 * tag, CMYK, 16 bit, grey, transparency, the first frame of an animation); anything else is a rejection. sharp decodes
 * all of it, but for plain JPEGs where the machine has libjpeg-turbo (`libjpegTurbo.ts`): the same pixels, sooner.
 *
 * Pixels are counted from the header, before anything is decoded. Photographs are shrunk to at most
 * DECODE_SIDE on the longer side: the smallest face the detector finds is 13/320 of that side, 83 pixels at 2048,
 * so a face large enough for a sharp 112-pixel crop still has about its own pixels, and a picture costs at most
 * 12 MB. JPEG shrinks while loading, so a 20-megapixel photograph is never held in full.
 */
import pLimit from 'p-limit';
import sharp, { type Metadata, type Sharp } from 'sharp';
import { isRejection, type Rejection } from '../../shared/face.ts';
import { decodePnm, readPnmHeader } from '../../shared/picture/decodePnm.ts';
import { asStill, endsEarly, type ImageFormat, imageFormat } from '../../shared/picture/imageFormat.ts';
import type { ImageSize } from '../../shared/picture/imageHeader.ts';
import { readImageHeader } from '../../shared/picture/readImageHeader.ts';
import { readTiffColours } from '../../shared/picture/tiffHeader.ts';
import { moveInto, type PictureMemory } from '../models/pictureMemory.ts';
import type { Raster } from '../models/raster.ts';
import { decodePlainJpeg } from './libjpegTurbo.ts';

// One picture at a time in the calling thread; libvips would keep decoded pictures for calls that never come.
sharp.concurrency(1);
sharp.cache(false);

/** Most pixels (width × height) a file may declare. 64 megapixels: above every camera but the largest. */
const MAX_PIXELS = 64_000_000;
/** Longer side of a decoded photograph at most, in pixels. */
export const DECODE_SIDE = 2048;
/** Shorter side at least, in pixels: the detector's smallest face is 13. */
const MIN_SIDE = 16;

/** Interlaced and progressive pictures are held in full, up to 8 bytes a pixel: half a gigabyte at the limit. */
const LARGE_PIXELS = 16_000_000;
/** So that a thread holds one such picture and not eight. */
const largePictures = pLimit(1);

function oneLargeAtATime<T>({ width, height }: ImageSize, decode: () => Promise<T>): Promise<T> {
  return width * height > LARGE_PIXELS ? largePictures(decode) : decode();
}

const reject = (code: string, message: string): Rejection => ({ stage: 'decode', code, message });

/**
 * Decodes one file. Never throws on account of its content.
 *
 * @param memory where the picture goes, and its levels: it is good until that is cleared. Absent: memory of its own.
 */
export async function decodeImage(bytes: Uint8Array, memory?: PictureMemory): Promise<Raster | Rejection> {
  const picture = await decodeFile(bytes, memory);
  if (memory === undefined || isRejection(picture) || picture.memory !== undefined) return picture;
  return { ...picture, data: moveInto(memory, picture.data), memory };
}

async function decodeFile(bytes: Uint8Array, memory: PictureMemory | undefined): Promise<Raster | Rejection> {
  if (bytes.length === 0) return reject('empty-file', 'expected an image, found 0 bytes');
  const format = imageFormat(bytes);
  if (format === undefined) {
    return reject('not-an-image', 'expected JPEG, PNG, WebP, TIFF, GIF, AVIF, PGM or PPM, found other bytes');
  }
  return format === 'pnm' ? decodePnmFile(bytes) : decodeCompressed(asStill(bytes, format), format, memory);
}

/**
 * Bytes of a file's picture and its levels (a third more), by its header; undefined for formats whose header is not
 * read.
 */
export function decodedBytes(bytes: Uint8Array): number | undefined {
  const format = imageFormat(bytes);
  const size =
    format === undefined || format === 'pnm' ? readPnmHeader(bytes) : readImageHeader(bytes, format);
  if (size === undefined) return undefined;
  const { width, height } = size;
  const scale = Math.min(1, DECODE_SIDE / Math.max(width, height));
  return width * scale * height * scale * 4;
}

function checkSize(width: number, height: number): Rejection | undefined {
  if (width * height > MAX_PIXELS) {
    return reject('too-many-pixels', `expected at most ${MAX_PIXELS} pixels, found ${width}×${height}`);
  }
  if (Math.min(width, height) * DECODE_SIDE < Math.max(width, height) * MIN_SIDE) {
    return reject(
      'too-long',
      `expected a side at most ${DECODE_SIDE / MIN_SIDE} times the other, found ${width}×${height}`,
    );
  }
  if (Math.min(width, height) < MIN_SIDE) {
    return reject('too-small', `expected at least ${MIN_SIDE} pixels a side, found ${width}×${height}`);
  }
  return undefined;
}

const unsupportedSamples = (message: string) => reject('unsupported-samples', message);

/** A TIFF may have any: libvips takes signed, 32-bit and floating-point ones for colours that they are not. */
function checkDepth({ depth, space }: Metadata): Rejection | undefined {
  // CIELAB's two colour axes have a sign, and are understood.
  if (depth === 'uchar' || depth === 'ushort' || space === 'labs') return undefined;
  return unsupportedSamples(`expected unsigned samples of at most 16 bits, found ${depth}`);
}

/** Left alone, sharp takes colours of 16 bits with a profile to Display P3 and no further, and grey ones for sRGB. */
function applyDeepProfile(image: Sharp, { space, hasProfile }: Metadata): void {
  if (!hasProfile) return;
  if (space === 'rgb16') image.pipelineColourspace('srgb');
  if (space === 'grey16') image.pipelineColourspace('b-w');
}

const YCBCR = 6;
const CIELAB = 8;
/** JPEG in TIFF: that of version 6.0, which libvips does not read, and today's, whose decoder makes RGB of YCbCr. */
const TIFF_JPEG: ReadonlySet<number | undefined> = new Set([6, 7]);

/** libvips takes YCbCr for RGB, and makes black of CIELAB with transparency. */
function checkColours(bytes: Uint8Array, { format, channels }: Metadata): Rejection | undefined {
  const { photometric, compression } = (format === 'tiff' && readTiffColours(bytes)) || {};
  if (photometric === YCBCR && !TIFF_JPEG.has(compression)) {
    return unsupportedSamples(`expected YCbCr in JPEG, found compression ${compression ?? 'not said'}`);
  }
  if (photometric === CIELAB && channels !== 3) {
    return unsupportedSamples(`expected CIELAB of 3 samples a pixel, found ${channels}`);
  }
  return undefined;
}

async function decodePnmFile(bytes: Uint8Array): Promise<Raster | Rejection> {
  const header = readPnmHeader(bytes);
  if (header === undefined)
    return reject('not-an-image', 'expected a PGM or PPM header, found something else');
  const refused = checkSize(header.width, header.height);
  if (refused) return refused;
  const raster = await oneLargeAtATime(header, async () => decodePnm(bytes, header));
  if (raster === undefined) {
    return reject('truncated', `PGM or PPM has fewer or larger samples than its header says`);
  }
  const { width, height, data } = raster;
  if (Math.max(width, height) <= DECODE_SIDE) return raster;
  return toRaster(sharp(data, { raw: { width, height, channels: 3 } }));
}

async function decodeCompressed(
  bytes: Uint8Array,
  format: ImageFormat,
  memory: PictureMemory | undefined,
): Promise<Raster | Rejection> {
  const header = readImageHeader(bytes, format);
  let size: ImageSize | Metadata;
  try {
    size = header ?? (await sharp(bytes, { limitInputPixels: false }).metadata());
  } catch (thrown) {
    return decodeFailure(bytes, format, thrown);
  }
  const refused =
    checkSize(size.width, size.height) ??
    ('depth' in size ? (checkDepth(size) ?? checkColours(bytes, size)) : undefined);
  if (refused) return refused;
  if (header?.isPlainJpeg && Math.max(size.width, size.height) <= DECODE_SIDE) {
    const raster = decodePlainJpeg(bytes, size, memory);
    // What is damaged is for sharp to judge: there is one rule for all formats.
    if (raster !== undefined) return raster;
  }
  // 'error': damage and truncation refuse the file, warnings such as stray bytes between markers do not.
  const image = sharp(bytes, { failOn: 'error', limitInputPixels: MAX_PIXELS }).autoOrient();
  if ('depth' in size) applyDeepProfile(image, size);
  try {
    return await oneLargeAtATime(size, () => toRaster(image));
  } catch (thrown) {
    return decodeFailure(bytes, format, thrown);
  }
}

function decodeFailure(bytes: Uint8Array, format: ImageFormat, thrown: unknown): Rejection {
  const detail = (thrown instanceof Error ? thrown.message : String(thrown)).split('\n')[0] ?? '';
  return endsEarly(bytes, format)
    ? reject('truncated', `${format} ends before its end mark: ${detail}`)
    : reject('damaged', `${format} cannot be decoded: ${detail}`);
}

async function toRaster(image: Sharp): Promise<Raster | Rejection> {
  const { data, info } = await image
    .resize({ width: DECODE_SIDE, height: DECODE_SIDE, fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#000' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  // Samples beside the colours, but for one of transparency, are kept by libvips: which are the picture is not known.
  if (info.channels !== 3) {
    const found = `${info.channels} samples a pixel when converted to RGB`;
    return unsupportedSamples(`expected grey, colour or inks, and transparency at most, found ${found}`);
  }
  return { width: info.width, height: info.height, data };
}
