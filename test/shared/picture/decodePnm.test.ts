import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodePnm, readPnmHeader } from '../../../src/shared/picture/decodePnm.ts';

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly colour: boolean;
  readonly maxValue: number;
  readonly samples: readonly number[];
}

const picture: fc.Arbitrary<Picture> = fc
  .record({
    width: fc.integer({ min: 1, max: 9 }),
    height: fc.integer({ min: 1, max: 9 }),
    colour: fc.boolean(),
    maxValue: fc.constantFrom(1, 15, 255, 256, 1023, 65535),
  })
  .chain((shape) =>
    fc
      .array(fc.integer({ min: 0, max: shape.maxValue }), {
        minLength: shape.width * shape.height * (shape.colour ? 3 : 1),
        maxLength: shape.width * shape.height * (shape.colour ? 3 : 1),
      })
      .map((samples) => ({ ...shape, samples })),
  );

const plain = ({ width, height, colour, maxValue, samples }: Picture) =>
  Buffer.from(`P${colour ? 3 : 2}\n# a comment\n${width} ${height}\n${maxValue}\n${samples.join(' ')}\n`);

function raw({ width, height, colour, maxValue, samples }: Picture): Buffer {
  const header = Buffer.from(`P${colour ? 6 : 5} ${width} ${height} ${maxValue}\n`);
  const body = Buffer.alloc(samples.length * (maxValue > 255 ? 2 : 1));
  samples.forEach((sample, i) => {
    if (maxValue > 255) body.writeUInt16BE(sample, i * 2);
    else body[i] = sample;
  });
  return Buffer.concat([header, body]);
}

function read(bytes: Buffer) {
  const header = readPnmHeader(bytes);
  assert.ok(header);
  return decodePnm(bytes, header);
}

test('plain and raw files hold the same picture, scaled to 0–255', () => {
  fc.assert(
    fc.property(picture, (source) => {
      const expected = Array.from({ length: source.width * source.height * 3 }, (_, i) =>
        Math.round((source.samples[source.colour ? i : Math.floor(i / 3)]! * 255) / source.maxValue),
      );
      for (const file of [plain(source), raw(source)]) {
        const raster = read(file);
        assert.ok(raster);
        assert.deepEqual([raster.width, raster.height], [source.width, source.height]);
        assert.deepEqual([...raster.data], expected);
      }
    }),
  );
});

test('a raw file that lacks any sample is refused', () => {
  fc.assert(
    fc.property(picture, (source) => {
      const file = raw(source);
      assert.equal(read(file.subarray(0, -1)), undefined);
    }),
  );
});

test('a sample above the declared maximum is refused', () => {
  assert.equal(read(Buffer.from('P2 2 1 15\n3 16\n')), undefined);
  assert.equal(read(Buffer.from('P5 2 1 15\n\x03\x10', 'latin1')), undefined);
});

test('a header without a size or with an impossible maximum is no header', () => {
  for (const text of ['P5', 'P5 3', 'P5 3 0 255\n', 'P5 3 3 0\n', 'P5 3 3 65536\n', 'P7 3 3 255\n']) {
    assert.equal(readPnmHeader(Buffer.from(text)), undefined, text);
  }
});
