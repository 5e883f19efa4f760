/**
 * What a JPEG, PNG or WebP says of itself before its pixels. libvips says the same size, and takes a fifth of the time
 * of an aligned crop's decoding for it (.15 to .18 of .84 ms).
 */
import type { ImageFormat } from './imageFormat.ts';
import type { ImageHeader } from './imageHeader.ts';
import { readJpegHeader } from './jpegHeader.ts';

const HEADERS: Partial<Record<ImageFormat, (view: DataView) => ImageHeader | undefined>> = {
  jpeg: readJpegHeader,
  png: readPngHeader,
  webp: readWebpHeader,
};

/** Undefined: another format, or a header with something unusual in it, which a decoder may still read. */
export function readImageHeader(bytes: Uint8Array, format: ImageFormat): ImageHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = HEADERS[format]?.(view);
  // A JPEG may leave its height to a later segment (ITU T.81, B.2.5), and 0 is no size of a PNG.
  return header === undefined || header.width === 0 || header.height === 0 ? undefined : header;
}

/**
 * PNG specification, 5.3 and 11.2.1: IHDR comes first, and always has this length. Undefined with 16 bits a sample: how
 * they are decoded depends on a profile, which only libvips finds.
 */
function readPngHeader(view: DataView): ImageHeader | undefined {
  const isWhole = view.byteLength >= 25 && view.getUint32(8) === 13 && view.getUint32(12) === 0x49484452;
  return isWhole && view.getUint8(24) <= 8
    ? { width: view.getUint32(16), height: view.getUint32(20), isPlainJpeg: false }
    : undefined;
}

/** The first chunks that a WebP may have: a lossy picture, a lossless one, the canvas of all that follows. */
const [VP8, VP8L, VP8X] = [0x56503820, 0x5650384c, 0x56503858];

/** WebP container (RFC 9649, 2.4 to 2.7, 3.4); a lossy picture's own header: RFC 6386, 9.1. */
function readWebpHeader(view: DataView): ImageHeader | undefined {
  if (view.byteLength < 30) return undefined;
  const chunk = view.getUint32(12);
  // A key frame's tag, and the code that begins it.
  if (chunk === VP8 && (view.getUint8(20) & 1) === 0 && (view.getUint32(22) & 0xffffff) === 0x9d012a) {
    const [width, height] = [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
    return { width, height, isPlainJpeg: false };
  }
  if (chunk === VP8L && view.getUint8(20) === 0x2f) {
    const bits = view.getUint32(21, true);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1, isPlainJpeg: false };
  }
  if (chunk !== VP8X) return undefined;
  const [width, height] = [view.getUint32(23, true) >>> 8, view.getUint32(26, true) >>> 8];
  return { width: width + 1, height: height + 1, isPlainJpeg: false };
}
