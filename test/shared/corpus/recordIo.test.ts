import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { imageOfRecord, parseImageHeader } from '../../../src/shared/corpus/imageRecord.ts';
import { parseRecord } from '../../../src/shared/corpus/recordIo.ts';
import { packImage, writeRecord } from '../../helpers/recordIoWriter.ts';

/**
 * Records that `MXRecordIOWriterWriteRecord` of libmxnet 1.9.1 wrote, in hexadecimal, and what was given to it. M
 * stands for the magic word.
 */
const M = '0a23d7ce';
const BY_MXNET: readonly (readonly [content: string, record: string])[] = [
  ['616263', `${M}03000000 61626300`],
  ['', `${M}00000000`],
  [M, `${M}00000020 ${M}00000060`],
  [`${M}78`, `${M}00000020 ${M}01000060 78000000`],
  [`31323334${M}${M}3536`, `${M}04000020 31323334 ${M}00000040 ${M}02000060 35360000`],
  [`3132${M}`, `${M}06000000 3132${M}0000`],
  [`61626364${M}`, `${M}04000020 61626364 ${M}00000060`],
];
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Bytes in which the magic word, whole or in part, is frequent, at any position. */
const content = fc
  .array(
    fc.oneof(
      fc.constant(hex(M)),
      fc.constant(hex(`${M}${M}`)),
      fc.uint8Array({ maxLength: 9 }),
      fc.constant(hex('0a23')),
      fc.constant(hex('d7ce')),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => Buffer.concat(pieces));

test("records written by MXNet's own library are read as what was given to it", () => {
  for (const [given, record] of BY_MXNET) {
    const found = parseRecord(hex(record));
    assert.equal(found.status, 'ok');
    assert.deepEqual(Buffer.from(found.content), hex(given));
  }
});

test("the writer of these tests writes what MXNet's own library writes", () => {
  for (const [given, record] of BY_MXNET) assert.deepEqual(writeRecord(hex(given)), hex(record));
});

test('any content comes back from its record, magic words in it as well', () => {
  fc.assert(
    fc.property(content, (bytes) => {
      const found = parseRecord(writeRecord(bytes));
      assert.equal(found.status, 'ok');
      assert.deepEqual(Buffer.from(found.content), bytes);
    }),
    { numRuns: 500 },
  );
});

test('a record cut anywhere, or with bytes after it, is broken at a place inside it', () => {
  fc.assert(
    fc.property(content, fc.nat(), (bytes, where) => {
      const record = writeRecord(bytes);
      const end = where % record.length;
      for (const damaged of [record.subarray(0, end), Buffer.concat([record, hex('00')])]) {
        const found = parseRecord(damaged);
        assert.equal(found.status, 'broken');
        assert.ok(found.at >= 0 && found.at <= damaged.length);
      }
    }),
    { numRuns: 300 },
  );
});

test('a part where a record begins must not be the continuation of another, and the other way round', () => {
  for (const [record, problem] of [
    [`${M}00000060`, /expected the beginning of a record \(cflag 0 or 1\), found cflag 3/],
    [`${M}00000020 ${M}00000000`, /expected the continuation of a record \(cflag 2 or 3\), found cflag 0/],
    [`${M}000000e0`, /found cflag 7/],
    ['0123456789abcdef', /expected the magic word ced7230a, found 67452301/],
    [`${M}ffffff1f`, /expected 536870920 bytes of the part, found 8/],
  ] as const) {
    const found = parseRecord(hex(record));
    assert.equal(found.status, 'broken');
    assert.match(found.problem, problem);
  }
});

test('an image comes back from its record, with one label in the header and with labels after it', () => {
  const label = fc.oneof(
    fc.integer({ min: 0, max: 2 ** 24 }),
    fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 5 }),
  );
  fc.assert(
    fc.property(label, content, (label, image) => {
      const packed = packImage(label, 7, image);
      const header = parseImageHeader(packed, packed.length);
      assert.ok('labels' in header);
      assert.deepEqual(header.labels, typeof label === 'number' ? [label] : label);
      const found = imageOfRecord(writeRecord(packed));
      assert.equal(found.status, 'ok');
      assert.deepEqual(Buffer.from(found.image), image);
    }),
    { numRuns: 300 },
  );
});

test('an image header that promises more labels than its record holds is broken', () => {
  const packed = packImage([1, 2, 3], 0, new Uint8Array(0));
  for (const [bytes, problem] of [
    [packed.subarray(0, 30), /expected 3 labels, found a record of 30 bytes/],
    [packed.subarray(0, 23), /expected an image record of at least 24 bytes, found 23/],
    [Buffer.concat([hex('ffffffff'), packed.subarray(4)]), /at most 4096 labels, found a flag of 4294967295/],
  ] as const) {
    const found = parseImageHeader(bytes, bytes.length);
    assert.ok('problem' in found);
    assert.match(found.problem, problem);
  }
});
