/** Pages that hold more than they say: none of the codecs fills the memory with them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { decompress } from '../../../src/shared/parquet/decompress.ts';

const MEGABYTE = 2 ** 20;

/** Zstandard (RFC 8878): a frame that does not say its size, of blocks that repeat one byte 128 KiB times. */
function zstdOf(blocks: number): Uint8Array {
  const size = 2 ** 17;
  const header = (last: boolean) => (size << 3) | (1 << 1) | Number(last);
  const bytes = Array.from({ length: blocks }, (_, i) => {
    const bits = header(i === blocks - 1);
    return [bits & 255, (bits >> 8) & 255, bits >> 16, 7];
  });
  return new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0, 0x58, ...bytes.flat()]);
}

/** LZ4's block format: a literal, then one match as long as the bytes of 255 say. */
function lz4Of(bytes: number): Uint8Array {
  return new Uint8Array([0x1f, 7, 1, 0, ...new Array(Math.floor(bytes / 255)).fill(255), 0, 0]);
}

const zeros = Buffer.alloc(64 * MEGABYTE);
const BOMBS = {
  GZIP: gzipSync(zeros),
  BROTLI: brotliCompressSync(zeros),
  ZSTD: zstdOf(512),
  LZ4_RAW: lz4Of(64 * MEGABYTE),
} as const;

for (const [codec, bomb] of Object.entries(BOMBS)) {
  test(`a page that decompresses to more than it says is refused without holding it: ${codec}`, () => {
    const before = process.memoryUsage().arrayBuffers;
    assert.throws(() => decompress(bomb, codec as keyof typeof BOMBS, MEGABYTE));
    const held = process.memoryUsage().arrayBuffers - before;
    assert.ok(held < 16 * MEGABYTE, `${held} bytes`);
  });
}

test('a page of the size that it says is decompressed, a shorter one is refused', () => {
  const some = Buffer.from('posecast '.repeat(100));
  for (const [codec, compressed] of [
    ['GZIP', gzipSync(some)] as const,
    ['BROTLI', brotliCompressSync(some)] as const,
  ]) {
    assert.deepEqual(Buffer.from(decompress(compressed, codec, some.length)), some);
    assert.throws(() => decompress(compressed, codec, some.length + 1), /once decompressed, found 900/);
  }
  assert.equal(decompress(zstdOf(8), 'ZSTD', MEGABYTE).length, MEGABYTE);
  assert.throws(() => decompress(zstdOf(7), 'ZSTD', MEGABYTE), /once decompressed, found 917504/);
  assert.throws(() => decompress(some, 'LZO', some.length), /compressed by LZO/);
});
