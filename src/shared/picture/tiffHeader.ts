/** What a TIFF says of its colours: TIFF 6.0, section 2, and BigTIFF, which has the same in wider fields. */

export interface TiffColours {
  readonly photometric: number;
  /** Undefined: it is not said, or not as one number. */
  readonly compression: number | undefined;
}

const COMPRESSION = 259;
const PHOTOMETRIC = 262;

/** Bytes of a whole number, by the type of its field. */
const NUMBER_BYTES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 6: 1, 8: 2, 9: 4, 16: 8, 17: 8 };
/** More fields are no directory, also to libtiff. */
const MAX_FIELDS = 0xffff;

/** Of the first picture of a TIFF; undefined where it does not say. Bears any bytes. */
export function readTiffColours(bytes: Uint8Array): TiffColours | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < 16) return undefined;
  const isLittle = view.getUint8(0) === 0x49;
  const isBig = view.getUint16(2, isLittle) === 43;
  const numberAt = (at: number, size: number): number => {
    if (size === 1) return view.getUint8(at);
    if (size === 2) return view.getUint16(at, isLittle);
    return size === 4 ? view.getUint32(at, isLittle) : Number(view.getBigUint64(at, isLittle));
  };
  const [offsetBytes, countBytes] = isBig ? [8, 8] : [4, 2];
  const fieldBytes = 4 + 2 * offsetBytes;
  const directory = numberAt(isBig ? 8 : 4, offsetBytes);
  const start = directory + countBytes;
  if (start > view.byteLength) return undefined;
  const fields = Math.min(
    numberAt(directory, countBytes),
    MAX_FIELDS,
    Math.floor((view.byteLength - start) / fieldBytes),
  );
  const found = new Map<number, number | undefined>();
  for (let at = start; at < start + fields * fieldBytes; at += fieldBytes) {
    const tag = numberAt(at, 2);
    // The first of a tag counts.
    if ((tag !== COMPRESSION && tag !== PHOTOMETRIC) || found.has(tag)) continue;
    const size = NUMBER_BYTES[numberAt(at + 2, 2)];
    const isOne = numberAt(at + 4, offsetBytes) === 1 && size !== undefined && size <= offsetBytes;
    found.set(tag, isOne ? numberAt(at + 4 + offsetBytes, size) : undefined);
  }
  const photometric = found.get(PHOTOMETRIC);
  return photometric === undefined ? undefined : { photometric, compression: found.get(COMPRESSION) };
}
