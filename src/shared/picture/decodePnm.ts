/**
 * Strict reader of plain and raw PGM and PPM (netpbm: P2, P3, P5, P6; 8 and 16 bit, big-endian), which libvips as
 * shipped with sharp cannot read. The header is read first so that a bomb is refused by its declared size.
 */
import type { ImageSize } from './imageHeader.ts';

export interface PnmHeader extends ImageSize {
  readonly kind: 'P2' | 'P3' | 'P5' | 'P6';
  /** Largest sample value, 1–65535. */
  readonly maxValue: number;
  /** Where the samples begin. */
  readonly dataStart: number;
}

/** RGB, 8 bit, interleaved: data.length = width·height·3. */
export interface PnmPicture extends ImageSize {
  readonly data: Uint8Array;
}

const KINDS = ['P2', 'P3', 'P5', 'P6'] as const;
const isSpace = (byte: number) => byte === 32 || (byte >= 9 && byte <= 13);

/** Reads one unsigned decimal after white space and comments; undefined where there is none. */
function readNumber(bytes: Uint8Array, from: number): { value: number; end: number } | undefined {
  let at = from;
  while (at < bytes.length) {
    const byte = bytes[at]!;
    if (byte === 35) {
      while (at < bytes.length && bytes[at] !== 10 && bytes[at] !== 13) at++;
    } else if (isSpace(byte)) {
      at++;
    } else break;
  }
  let value = 0;
  const start = at;
  while (at < bytes.length && bytes[at]! >= 48 && bytes[at]! <= 57 && at - start < 9) {
    value = value * 10 + bytes[at]! - 48;
    at++;
  }
  return at === start ? undefined : { value, end: at };
}

/** The header, or undefined where the bytes are not one. */
export function readPnmHeader(bytes: Uint8Array): PnmHeader | undefined {
  const kind = KINDS.find((name) => bytes[0] === 80 && bytes[1] === name.charCodeAt(1));
  if (kind === undefined) return undefined;
  const width = readNumber(bytes, 2);
  const height = width && readNumber(bytes, width.end);
  const maxValue = height && readNumber(bytes, height.end);
  if (!width || !height || !maxValue || width.value === 0 || height.value === 0) return undefined;
  if (maxValue.value < 1 || maxValue.value > 65535) return undefined;
  // Exactly one white space ends the header of the raw kinds; the next byte may already be a sample.
  if (!isSpace(bytes[maxValue.end] ?? 0)) return undefined;
  return {
    kind,
    width: width.value,
    height: height.value,
    maxValue: maxValue.value,
    dataStart: maxValue.end + 1,
  };
}

/** The picture as 8-bit RGB, or undefined where samples are missing or above the maximum. */
export function decodePnm(bytes: Uint8Array, header: PnmHeader): PnmPicture | undefined {
  const { kind, width, height, maxValue } = header;
  const channels = kind === 'P3' || kind === 'P6' ? 3 : 1;
  const count = width * height * channels;
  const next = kind === 'P2' || kind === 'P3' ? plainSamples : rawSamples;
  // Written at once: a second array of all samples would double what a large picture takes.
  const sample = next(bytes, header.dataStart, count, maxValue);
  if (sample === undefined) return undefined;
  const data = new Uint8Array(width * height * 3);
  const scale = 255 / maxValue;
  for (let i = 0; i < count; i++) {
    const value = sample(i);
    if (value < 0 || value > maxValue) return undefined;
    const shade = Math.round(value * scale);
    if (channels === 3) data[i] = shade;
    else data.fill(shade, 3 * i, 3 * i + 3);
  }
  return { width, height, data };
}

/** The samples in order, −1 for one that is missing; undefined when they cannot all be there. */
type SampleReader = ((index: number) => number) | undefined;

function plainSamples(bytes: Uint8Array, start: number, count: number): SampleReader {
  // A plain sample is at least one digit and one space: refuse before allocating for a lying header.
  if (bytes.length - start < count * 2 - 1) return undefined;
  let at = start;
  return () => {
    const number = readNumber(bytes, at);
    if (number === undefined) return -1;
    at = number.end;
    return number.value;
  };
}

function rawSamples(bytes: Uint8Array, start: number, count: number, max: number): SampleReader {
  const size = max > 255 ? 2 : 1;
  if (bytes.length - start < count * size) return undefined;
  if (size === 1) return (i) => bytes[start + i]!;
  return (i) => bytes[start + 2 * i]! * 256 + bytes[start + 2 * i + 1]!;
}
