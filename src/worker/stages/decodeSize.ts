/**
 * Width and height of a JPEG or PNG by its header alone, as stored: before its orientation tag. libvips says the
 * same, and takes a fifth of the time of an aligned crop's decoding for it (.15 to .18 of .84 ms).
 */
import type { ImageFormat } from './decodeFormat.ts';

export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** Undefined: another format, or a header with something unusual in it, which a decoder may still read. */
export function imageSize(bytes: Uint8Array, format: ImageFormat): ImageSize | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = format === 'png' ? pngSize(view) : format === 'jpeg' ? jpegSize(view) : undefined;
  // A JPEG may leave its height to a later segment (ITU T.81, B.2.5), and 0 is no size of a PNG.
  return size === undefined || size.width === 0 || size.height === 0 ? undefined : size;
}

/** PNG specification, 5.3 and 11.2.1: IHDR comes first, and always has this length. */
function pngSize(view: DataView): ImageSize | undefined {
  const isWhole = view.byteLength >= 24 && view.getUint32(8) === 13 && view.getUint32(12) === 0x49484452;
  return isWhole ? { width: view.getUint32(16), height: view.getUint32(20) } : undefined;
}

/** ITU T.81, B.1.1: segments of a marker, their length and their content, up to the frame's header. */
function jpegSize(view: DataView): ImageSize | undefined {
  let at = 2;
  while (at + 9 <= view.byteLength && view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    if (isFrame(marker)) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    // Only tables and application data stand before a frame.
    const hasLength = marker === DHT || marker === DAC || marker >= DQT;
    if (!hasLength || marker === FILL) return undefined;
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

const DHT = 0xc4;
const JPG = 0xc8;
const DAC = 0xcc;
const DQT = 0xdb;
const FILL = 0xff;

/** SOF0–SOF15: the codes between that are no frames are tables and an extension. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![DHT, JPG, DAC].includes(marker);
}
