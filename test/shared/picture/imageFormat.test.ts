import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asStill, imageFormat } from '../../../src/shared/picture/imageFormat.ts';

test('an animated AVIF gets the brand of a still one in a copy, a Buffer as well, whose slice would be no copy', () => {
  const animated = Buffer.from('\0\0\0\x1cftypavis\0\0\0\0', 'latin1');
  for (const bytes of [animated, new Uint8Array(animated)]) {
    const still = asStill(bytes, imageFormat(bytes)!);
    assert.equal(Buffer.from(still).toString('latin1', 4, 12), 'ftypavif');
    assert.equal(Buffer.from(bytes).toString('latin1', 4, 12), 'ftypavis');
  }
});
