/**
 * A JPEG's header: the segments before its first scan. It says how large the picture is, and whether it is plain: the
 * decoded samples, grey or RGB, are the picture. It is not where a colour profile or an orientation tag has to be
 * applied, or where the coding is one of the rare ones (12 bits, four colours, arithmetic, lossless).
 */
import type { ImageHeader } from './imageHeader.ts';

/** ITU T.81, B.1.1: a marker, the length of what follows, and its content. Undefined: no frame is found. */
export function readJpegHeader(view: DataView): ImageHeader | undefined {
  let frame: ImageHeader | undefined;
  let isPlain = true;
  let at = 2;
  // As long as a frame's shortest segment: nothing shorter is in front of one.
  while (at + 9 <= view.byteLength && view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    if (marker === SOS) return frame && { ...frame, isPlainJpeg: isPlain && frame.isPlainJpeg };
    // Only tables and application data stand beside a frame; and 0xff is a byte that fills.
    if (marker < SOF0 || marker === FILL || (marker > DAC && marker < DQT)) break;
    if (isFrame(marker)) {
      isPlain &&= frame === undefined;
      frame ??= readFrame(view, at, marker);
    } else if (marker === APP1) isPlain &&= !isTurned(view, at);
    else if (marker === APP2) isPlain &&= !startsWith(view, at, 'ICC_PROFILE\0');
    at += 2 + view.getUint16(at + 2);
  }
  return frame && { ...frame, isPlainJpeg: false };
}

const SOF0 = 0xc0;
const SOF2 = 0xc2;
const DHT = 0xc4;
const JPG = 0xc8;
const DAC = 0xcc;
const SOS = 0xda;
const DQT = 0xdb;
const APP1 = 0xe1;
const APP2 = 0xe2;
const FILL = 0xff;

/** SOF0–SOF15: the codes between that are no frames are tables and an extension. */
function isFrame(marker: number): boolean {
  return marker >= SOF0 && marker <= 0xcf && ![DHT, JPG, DAC].includes(marker);
}

/** ITU T.81, B.2.2. Plain are baseline, extended and progressive, Huffman-coded, in 8 bits. */
function readFrame(view: DataView, at: number, marker: number): ImageHeader {
  const [bits, components] = [view.getUint8(at + 4), at + 9 < view.byteLength ? view.getUint8(at + 9) : 0];
  return {
    height: view.getUint16(at + 5),
    width: view.getUint16(at + 7),
    isPlainJpeg: marker <= SOF2 && bits === 8 && (components === 1 || components === 3),
  };
}

/**
 * Whether an APP1 segment may hold an orientation other than upright. Exif 2.32, 4.5.2 and 4.6.4: tag 0x0112 of the
 * first directory.
 */
function isTurned(view: DataView, at: number): boolean {
  if (!startsWith(view, at, 'Exif\0\0')) return false;
  const end = Math.min(view.byteLength, at + 2 + view.getUint16(at + 2));
  const tiff = at + 10;
  if (tiff + 8 > end) return true;
  const isLittle = view.getUint16(tiff) === 0x4949;
  const directory = tiff + view.getUint32(tiff + 4, isLittle);
  if (directory + 2 > end) return true;
  const entries = view.getUint16(directory, isLittle);
  if (directory + 2 + entries * 12 > end) return true;
  for (let entry = directory + 2; entry < directory + 2 + entries * 12; entry += 12) {
    const isOrientation = view.getUint16(entry, isLittle) === 0x0112;
    const isShort = view.getUint16(entry + 2, isLittle) === 3;
    if (isOrientation && !(isShort && view.getUint16(entry + 8, isLittle) === 1)) return true;
  }
  return false;
}

/** Whether the content of the segment at `at` starts with these characters. */
function startsWith(view: DataView, at: number, text: string): boolean {
  const from = at + 4;
  return (
    from + text.length <= view.byteLength &&
    [...text].every((character, i) => view.getUint8(from + i) === character.charCodeAt(0))
  );
}
