/**
 * Small pictures of the corpus's photographs. Only faces of the listing can be asked for, by shard and row; the path
 * comes from the listing and may not leave the corpus. A damaged photograph is shown as far as it goes: that is what
 * one wants to see of a reject. What cannot be shown is a word instead of a picture.
 */
import pLimit from 'p-limit';
import type { Sharp } from 'sharp';
import type { FaceRecord } from '../../shared/face.ts';
import { decodePnm, readPnmHeader } from '../../shared/picture/decodePnm.ts';
import { imageFormat } from '../../shared/picture/imageFormat.ts';
import type { Photographs } from './photographs.ts';
import { keepRecent } from './recent.ts';

/** Longer side, in pixels: twice what the page shows, for fine screens. */
export const THUMBNAIL_SIDE = 256;

/** Most bytes of a photograph; those of cameras have a tenth. */
const MAX_BYTES = 64 * 2 ** 20;
/** Most pixels a file may declare; JPEG shrinks while it loads, everything else is held whole. */
const MAX_JPEG_PIXELS = 64_000_000;
const MAX_PIXELS = 16_000_000;

/** Photographs decoded at the same time: the machine may be working on the run itself. */
const DECODES = 2;
/** Requests that may wait for that. */
const WAITING = 200;

/** For one photograph, in milliseconds. */
const READ_MS = 10_000;

/** Bytes of pictures in memory. */
const KEPT_BYTES = 16 * 2 ** 20;

export type Thumbnail =
  | { readonly status: 'ok'; readonly webp: Uint8Array }
  /** `word`: why there is no picture, one of a few fixed ones. */
  | { readonly status: 'none'; readonly word: string }
  /** Not read this time: what was not here may be mounted, copied or let in by the next. */
  | { readonly status: 'unread'; readonly word: string };

export interface Thumbnails {
  /** @param key unique to the face in the run. */
  of(key: string, face: FaceRecord): Promise<Thumbnail>;
}

export function openThumbnails(photographs: Photographs): Thumbnails {
  const kept = keepRecent<Thumbnail>(
    KEPT_BYTES,
    (picture) => (picture.status === 'ok' ? picture.webp.length : 1_000),
    ({ status }) => status !== 'unread',
  );
  const limit = pLimit(DECODES);
  const make = async (face: FaceRecord): Promise<Thumbnail> => {
    if (face.bytes > MAX_BYTES) return none('too many bytes');
    try {
      const read = await photographs.read(face, AbortSignal.timeout(READ_MS));
      if (read.status === 'rejected') return unread(WORDS[read.rejection.code] ?? 'not readable');
      return await shrink(read.bytes);
    } catch {
      // The disk or the mount: the workers say what it is.
      return unread('not readable');
    }
  };
  return {
    async of(key, face) {
      if (limit.pendingCount > WAITING) return unread('busy');
      return kept.get(key, () => limit(() => make(face)));
    },
  };
}

/** What is said instead of the reader's codes. */
const WORDS: Readonly<Record<string, string>> = {
  missing: 'not here',
  unreadable: 'not readable',
  'outside-corpus': 'outside the corpus',
  'link-outside-corpus': 'link out of the corpus',
  'not-a-file': 'not a file',
  'too-many-bytes': 'too many bytes',
  'beyond-end': 'cut off',
  changed: 'replaced',
  'another-member': 'replaced',
  'another-row': 'replaced',
};

const none = (word: string): Thumbnail => ({ status: 'none', word });
const unread = (word: string): Thumbnail => ({ status: 'unread', word });

type SharpModule = typeof import('sharp')['default'];

let decoder: Promise<SharpModule | undefined> | undefined;

/** Native, so loaded when the first picture is asked for: a producer's image has none, and shows everything else. */
function loadSharp(): Promise<SharpModule | undefined> {
  decoder ??= import('sharp').then(
    ({ default: sharp }) => {
      // One thread a picture, and nothing kept beside what is kept here.
      sharp.concurrency(1);
      sharp.cache(false);
      return sharp;
    },
    () => undefined,
  );
  return decoder;
}

/** Exported for its test. */
export async function shrink(bytes: Uint8Array): Promise<Thumbnail> {
  const sharp = await loadSharp();
  if (sharp === undefined) return none('no decoder here');
  if (bytes.length === 0) return none('empty file');
  if (bytes.length > MAX_BYTES) return none('too many bytes');
  const format = imageFormat(bytes);
  if (format === undefined) return none('not an image');
  try {
    if (format === 'pnm') {
      const header = readPnmHeader(bytes);
      if (header === undefined) return none('damaged');
      if (header.width * header.height > MAX_PIXELS) return none('too many pixels');
      const raster = decodePnm(bytes, header);
      if (raster === undefined) return none('damaged');
      const { width, height, data } = raster;
      return await encode(sharp(data, { raw: { width, height, channels: 3 } }));
    }
    const { width, height } = await sharp(bytes, { limitInputPixels: false }).metadata();
    const most = format === 'jpeg' ? MAX_JPEG_PIXELS : MAX_PIXELS;
    if (width * height > most) return none('too many pixels');
    return await encode(sharp(bytes, { failOn: 'none', limitInputPixels: most }).autoOrient());
  } catch {
    return none('damaged');
  }
}

async function encode(image: Sharp): Promise<Thumbnail> {
  const webp = await image
    .resize({ width: THUMBNAIL_SIDE, height: THUMBNAIL_SIDE, fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#808080' })
    .toColourspace('srgb')
    // Without what the file says about camera and place.
    .webp({ quality: 72 })
    .toBuffer();
  return { status: 'ok', webp };
}
