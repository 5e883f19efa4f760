import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readTiffColours } from '../../../src/shared/picture/tiffHeader.ts';

type Field = readonly [tag: number, type: number, value: number];

/** A TIFF of nothing but its first directory. */
function directory({ isLittle, isBig }: { isLittle: boolean; isBig: boolean }, fields: readonly Field[]) {
  const view = new DataView(new ArrayBuffer(200));
  const short = (at: number, value: number) => view.setUint16(at, value, isLittle);
  const wide = (at: number, value: number) =>
    isBig ? view.setBigUint64(at, BigInt(value), isLittle) : view.setUint32(at, value, isLittle);
  const offsetBytes = isBig ? 8 : 4;
  const start = 40;
  short(0, isLittle ? 0x4949 : 0x4d4d);
  short(2, isBig ? 43 : 42);
  wide(isBig ? 8 : 4, start);
  if (isBig) wide(start, fields.length);
  else short(start, fields.length);
  for (const [i, [tag, type, value]] of fields.entries()) {
    const at = start + (isBig ? 8 : 2) + i * (4 + 2 * offsetBytes);
    short(at, tag);
    short(at + 2, type);
    wide(at + 4, 1);
    // To the left of its place, in either order.
    if (type === 1) view.setUint8(at + 4 + offsetBytes, value);
    else if (type === 3) short(at + 4 + offsetBytes, value);
    else view.setUint32(at + 4 + offsetBytes, value, isLittle);
  }
  return new Uint8Array(view.buffer);
}

test('the colours of a TIFF are known in either byte order, as TIFF and as BigTIFF, in numbers of any width', () => {
  for (const isLittle of [true, false]) {
    for (const isBig of [true, false]) {
      for (const type of [1, 3, 4]) {
        const fields: Field[] = [
          [256, 3, 32],
          [262, type, 6],
          [259, type, 5],
          // The first of a tag counts.
          [262, 3, 2],
        ];
        const bytes = directory({ isLittle, isBig }, fields);
        assert.deepEqual(readTiffColours(bytes), { photometric: 6, compression: 5 });
      }
      assert.equal(readTiffColours(directory({ isLittle, isBig }, [[259, 3, 1]])), undefined);
    }
  }
});

test('any bytes behind the start of a TIFF are borne', () =>
  fc.assert(
    fc.property(
      fc.constantFrom('II*\0', 'MM\0*', 'II+\0\x08\0\0\0', 'MM\0+\0\x08\0\0'),
      fc.option(fc.integer({ min: 0, max: 80 })),
      fc.uint8Array({ maxLength: 80 }),
      (start, at, rest) => {
        const bytes = Buffer.concat([Buffer.from(start, 'latin1'), rest]);
        // A directory inside the file, more often than chance has it.
        const isBig = start.length === 8;
        const [low, length] = start[0] === 'I' ? [isBig ? 8 : 4, 4] : [isBig ? 15 : 7, 1];
        if (at !== null && bytes.length > 16)
          bytes.fill(0, isBig ? 8 : 4, isBig ? 16 : 8).writeUIntLE(at, low, length);
        readTiffColours(bytes);
      },
    ),
    { numRuns: 2_000 },
  ));
