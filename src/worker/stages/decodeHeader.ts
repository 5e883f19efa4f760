/**
 * What a JPEG or PNG says of itself before its pixels. libvips says the same size, and takes a fifth of the time of an
 * aligned crop's decoding for it (.15 to .18 of .84 ms).
 */
import type { ImageFormat } from './decodeFormat.ts';
import { readJpegHeader } from './jpegHeader.ts';

export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** Width and height as stored: before the orientation tag. */
export interface ImageHeader extends ImageSize {
  /** A JPEG whose samples, decoded, are the picture: see `jpegHeader.ts`. */
  readonly isPlainJpeg: boolean;
}

/** Undefined: another format, or a header with something unusual in it, which a decoder may still read. */
export function readImageHeader(bytes: Uint8Array, format: ImageFormat): ImageHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header =
    format === 'png' ? readPngHeader(view) : format === 'jpeg' ? readJpegHeader(view) : undefined;
  // A JPEG may leave its height to a later segment (ITU T.81, B.2.5), and 0 is no size of a PNG.
  return header === undefined || header.width === 0 || header.height === 0 ? undefined : header;
}

/** PNG specification, 5.3 and 11.2.1: IHDR comes first, and always has this length. */
function readPngHeader(view: DataView): ImageHeader | undefined {
  const isWhole = view.byteLength >= 24 && view.getUint32(8) === 13 && view.getUint32(12) === 0x49484452;
  return isWhole ? { width: view.getUint32(16), height: view.getUint32(20), isPlainJpeg: false } : undefined;
}
