/**
 * Plain JPEGs by libjpeg-turbo itself, where the machine has it. sharp decodes with the same library and gives the same
 * pixels, but for a photograph of 720 pixels two thirds of its time lie around that (docs/decisions/cpu-speed.md).
 * Pixels do not depend on the version: libjpeg-turbo's own tests hold its accurate transform to the bit, on every
 * processor.
 */
import type { LibraryHandle } from 'koffi';
import type { ImageSize } from '../../shared/picture/imageHeader.ts';
import type { PictureMemory } from '../models/pictureMemory.ts';
import type { Raster } from '../models/raster.ts';

/** Where the loader of the system finds it. */
const FILES: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ['libturbojpeg.so.0'],
  darwin: ['/opt/homebrew/lib/libturbojpeg.0.dylib', '/usr/local/lib/libturbojpeg.0.dylib'],
};

// turbojpeg.h of 2.0 and later, 3.x included; TJFLAG_LIMITSCANS of 2.1, passed over before.
const TJPF_RGB = 0;
const TJFLAG_STOPONWARNING = 8192;
const TJFLAG_LIMITSCANS = 32768;
/** TJSAMP_444, 422, 420 and GRAY: the ones that every version spreads alike. */
const SAMPLINGS = [0, 1, 2, 3];
/** TJCS_YCbCr and GRAY. */
const COLOURS = [1, 2];

interface TurboJpeg {
  readonly file: string;
  decode(bytes: Uint8Array, size: ImageSize, memory: PictureMemory | undefined): Raster | undefined;
}

/** Undefined: not on this machine. */
const turboJpeg = await openTurboJpeg();

/** The library's file, as the system's loader knows it; undefined where there is none. */
export const libjpegTurboFile: string | undefined = turboJpeg?.file;

/** For a person on a machine without it. */
export const LIBJPEG_TURBO_ADVICE =
  'JPEGs are decoded by sharp; with libjpeg-turbo in less than half the time (apt-get install libturbojpeg0, ' +
  'dnf install turbojpeg, brew install jpeg-turbo)';

/**
 * A plain JPEG (`jpegHeader.ts`) in its full size, or undefined where that is left to sharp: the library is not there,
 * the sampling is a rare one, or something about the file is not as it should be.
 */
export function decodePlainJpeg(
  bytes: Uint8Array,
  size: ImageSize,
  memory?: PictureMemory,
): Raster | undefined {
  return turboJpeg?.decode(bytes, size, memory);
}

async function openTurboJpeg(): Promise<TurboJpeg | undefined> {
  for (const file of FILES[process.platform] ?? []) {
    try {
      const { load } = (await import('koffi')).default;
      return bind(load(file), file);
    } catch {
      // Not installed here, or koffi has nothing for this platform.
    }
  }
  return undefined;
}

function bind(library: LibraryHandle, file: string): TurboJpeg {
  const open = library.func('void *tjInitDecompress()');
  const close = library.func('int tjDestroy(void *)');
  const readHeader = library.func(
    'int tjDecompressHeader3(void *, const uint8_t *, unsigned long, _Out_ int *, _Out_ int *, _Out_ int *, _Out_ int *)',
  );
  const decompress = library.func(
    'int tjDecompress2(void *, const uint8_t *, unsigned long, uint8_t *, int, int, int, int, int)',
  );
  // Nothing else asks for it: libraries before 2.0, which know no TJFLAG_STOPONWARNING, do not have it.
  library.func('int tjGetErrorCode(void *)');
  function decodeWith(
    decoder: unknown,
    bytes: Uint8Array,
    { width, height }: ImageSize,
    memory: PictureMemory | undefined,
  ): Raster | undefined {
    const found = { width: [0], height: [0], sampling: [0], colours: [0] };
    const outputs = [found.width, found.height, found.sampling, found.colours];
    if (readHeader(decoder, bytes, bytes.length, ...outputs) !== 0) return undefined;
    if (found.width[0] !== width || found.height[0] !== height) return undefined;
    if (!SAMPLINGS.includes(found.sampling[0]!) || !COLOURS.includes(found.colours[0]!)) return undefined;
    const data = memory?.take(width * height * 3) ?? Buffer.allocUnsafeSlow(width * height * 3);
    const format = [width, width * 3, height, TJPF_RGB];
    const flags = TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS;
    if (decompress(decoder, bytes, bytes.length, data, ...format, flags) !== 0) return undefined;
    return { width, height, data, ...(memory && { memory }) };
  }
  return {
    file,
    decode(bytes, size, memory) {
      // A decoder is opened in .2 µs, and does not decode any more when it has met some kinds of damage.
      const decoder: unknown = open();
      try {
        return decodeWith(decoder, bytes, size, memory);
      } finally {
        close(decoder);
      }
    },
  };
}
