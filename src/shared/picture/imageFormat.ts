/** What kind of image file some bytes are, by their signature alone, and whether the file ends before it should. */

export type ImageFormat = 'jpeg' | 'png' | 'gif' | 'webp' | 'tiff' | 'avif' | 'pnm';

const text = (bytes: Uint8Array, from: number, to: number) =>
  String.fromCharCode(...bytes.subarray(from, to));

/** The format, or undefined for anything that is not read as a photograph (SVG and PDF among them). */
export function imageFormat(bytes: Uint8Array): ImageFormat | undefined {
  const start = text(bytes, 0, 4);
  if (start.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (start === '\x89PNG') return 'png';
  if (start === 'GIF8') return 'gif';
  if (start === 'RIFF' && text(bytes, 8, 12) === 'WEBP') return 'webp';
  if (['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].includes(start)) return 'tiff';
  if (text(bytes, 4, 8) === 'ftyp' && /^(avif|avis|mif1)/.test(text(bytes, 8, 12))) return 'avif';
  if (/^P[2356][\s#]/.test(start)) return 'pnm';
  return undefined;
}

/**
 * The same picture as a decoder takes it: sharp refuses an animated AVIF by its brand, and reads it under that of a
 * still one, which holds the first frame.
 */
export function asStill(bytes: Uint8Array, format: ImageFormat): Uint8Array {
  if (format !== 'avif' || text(bytes, 8, 12) !== 'avis') return bytes;
  // Not slice: that of a Buffer copies nothing, and the caller's bytes would change.
  const still = Uint8Array.from(bytes);
  still.set(new TextEncoder().encode('avif'), 8);
  return still;
}

/**
 * Whether a file that could not be decoded lacks its end: it was cut short, rather than damaged inside. A question
 * about structure, because a decoder's message is not to be matched on.
 */
export function endsEarly(bytes: Uint8Array, format: ImageFormat): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (format) {
    case 'jpeg':
      // An end mark before the last scan belongs to an embedded thumbnail.
      return (
        buffer.lastIndexOf('\xff\xd9', undefined, 'latin1') <=
        buffer.lastIndexOf('\xff\xda', undefined, 'latin1')
      );
    case 'png':
      return buffer.lastIndexOf('IEND') < 0;
    case 'gif':
      return gifEndsEarly(buffer);
    case 'webp':
      return buffer.length < 12 || buffer.readUInt32LE(4) + 8 > buffer.length;
    case 'tiff':
      return tiffEndsEarly(buffer);
    case 'avif':
      return boxesEndEarly(buffer);
    case 'pnm':
      return false;
  }
}

/** The chain of blocks runs out of the file before the trailer. */
function gifEndsEarly(buffer: Buffer): boolean {
  const tableSize = (packed: number) => (packed & 0x80 ? 3 * 2 ** ((packed & 7) + 1) : 0);
  let at = 13 + tableSize(buffer[10] ?? 0);
  while (at < buffer.length) {
    const kind = buffer[at];
    if (kind === 0x3b) return false;
    if (kind === 0x21) at += 2;
    else if (kind === 0x2c) at += 11 + tableSize(buffer[at + 9] ?? 0);
    else return false;
    // Sub-blocks: a length byte each, ended by a zero.
    while (at < buffer.length && buffer[at] !== 0) at += buffer[at]! + 1;
    at++;
  }
  return true;
}

/** The first directory of a classic TIFF lies outside the file. */
function tiffEndsEarly(buffer: Buffer): boolean {
  if (buffer.length < 8) return true;
  const directory = buffer[0] === 0x49 ? buffer.readUInt32LE(4) : buffer.readUInt32BE(4);
  return directory + 2 > buffer.length;
}

/** A top-level ISO box reaches past the end of the file. */
function boxesEndEarly(buffer: Buffer): boolean {
  let at = 0;
  while (at + 8 <= buffer.length) {
    const size = buffer.readUInt32BE(at);
    if (size === 0) return false;
    if (size < 8) return true;
    at += size;
  }
  return at !== buffer.length;
}
