import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Header } from 'tar';
import { BLOCK, parseNumber, parseTarBlock } from '../../../src/shared/corpus/tarHeader.ts';

/** A header by another implementation (the npm package tar). */
function headerOf(fields: { path: string; size: number; type?: 'File' | 'Link' | 'SymbolicLink' }): Buffer {
  const block = Buffer.alloc(BLOCK);
  const header = new Header({ mode: 0o644, mtime: new Date(0), uid: 0, gid: 0, type: 'File', ...fields });
  header.encode(block);
  return block;
}

const segment = fc.stringMatching(/^[a-zA-Z0-9_é日 -]{1,30}$/);
const path = fc
  .array(segment, { minLength: 1, maxLength: 5 })
  .map((segments) => segments.join('/'))
  .filter((name) => Buffer.byteLength(name) <= 99);
const size = fc.oneof(
  fc.integer({ min: 0, max: 8 ** 11 - 1 }),
  fc.maxSafeInteger().filter((n) => n >= 0),
);

test('headers written by another implementation are read: name and size, octal or binary', () => {
  fc.assert(
    fc.property(path, size, (name, bytes) => {
      const block = parseTarBlock(headerOf({ path: name, size: bytes }));
      assert.ok(block.kind === 'header', JSON.stringify(block));
      assert.equal(Buffer.from(block.header.name).toString(), name);
      assert.equal(block.header.size, bytes);
      assert.equal(block.header.type, '0');
    }),
  );
});

test('a header with any one byte changed is not a header', () => {
  const whole = headerOf({ path: 'anna/0001.jpg', size: 12_345 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: BLOCK - 1 }), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const block = Buffer.from(whole);
      block[at] = block[at]! ^ by;
      // The checksum's own number may be written in several ways.
      fc.pre(
        parseNumber(block.subarray(148, 156)) !== parseNumber(whole.subarray(148, 156)) ||
          at < 148 ||
          at > 155,
      );
      assert.equal(parseTarBlock(block).kind, 'broken');
    }),
  );
});

test('any 512 bytes are a header, an empty block or broken, and never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: BLOCK, maxLength: BLOCK }), (block) => {
      assert.equal(parseTarBlock(block).kind, block.some((byte) => byte !== 0) ? 'broken' : 'empty');
    }),
  );
});

test('a long path is put together from prefix and name', () => {
  const long = `${'folder-of-somebody/'.repeat(8)}0001.jpg`;
  const block = parseTarBlock(headerOf({ path: long, size: 1 }));
  assert.equal(block.kind === 'header' && Buffer.from(block.header.name).toString(), long);
});

for (const [what, field, value] of [
  ['octal with zeros and a NUL', '00000012345\0', 0o12345],
  ['octal with blanks', '     12345 \0', 0o12345],
  ['nothing', '\0\0\0\0\0\0\0\0\0\0\0\0', 0],
  ['a decimal digit', '00000012389\0', undefined],
  ['a minus sign', '-0000000001\0', undefined],
] as const) {
  test(`the number of a header: ${what}`, () => {
    assert.equal(parseNumber(Buffer.from(field, 'latin1')), value);
  });
}

test('a size below zero or beyond exact numbers is refused', () => {
  for (const [bytes, shown] of [
    [Buffer.concat([Buffer.alloc(11, 0xff), Buffer.from([0xfe])]), '-2'],
    [Buffer.concat([Buffer.from([0x80, 0, 0, 0, 0x7f]), Buffer.alloc(7, 0xff)]), '9'],
  ] as const) {
    const block = headerOf({ path: 'a.jpg', size: 1 });
    bytes.copy(block, 124);
    let sum = 0;
    block.fill(0x20, 148, 156);
    for (const byte of block) sum += byte;
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    const parsed = parseTarBlock(block);
    assert.ok(parsed.kind === 'broken');
    assert.ok(parsed.problem.includes(`expected the size of a member, found ${shown}`), parsed.problem);
  }
});
