import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CROP_SIZE, type FaceCrop } from '../../src/shared/face.ts';
import {
  CROP_HASH_BITS,
  cropHash,
  cropHashBytes,
  hashDistance,
  photographDigest,
  SAME_CROP_BITS,
} from '../../src/shared/photographDigest.ts';
import { seededRandom } from '../../src/shared/random.ts';

/** A smooth picture of a few waves, so that neighbouring cells differ clearly. */
function makeCrop(seed: number, change: (value: number) => number = (value) => value): FaceCrop {
  const random = seededRandom(seed, 'crop');
  const waves = Array.from({ length: 6 }, () => [random() * 0.2, random() * 0.2, random() * 7] as const);
  const crop = new Uint8Array(CROP_SIZE * CROP_SIZE * 3);
  for (let i = 0; i < crop.length; i++) {
    const [x, y] = [Math.floor(i / 3) % CROP_SIZE, Math.floor(i / 3 / CROP_SIZE)];
    const value = waves.reduce((sum, [a, b, phase]) => sum + 20 * Math.sin(a * x + b * y + phase), 128);
    crop[i] = Math.min(255, Math.max(0, Math.round(change(value))));
  }
  return crop;
}

const hashOf = (crop: FaceCrop) => cropHashBytes(cropHash(crop));

test('a crop keeps its hash when it becomes brighter, flatter or noisy', () => {
  fc.assert(
    fc.property(fc.nat(1000), (seed) => {
      const hash = hashOf(makeCrop(seed));
      assert.equal(hash.length, CROP_HASH_BITS / 8);
      const random = seededRandom(seed, 'noise');
      const copies = [
        makeCrop(seed, (value) => value + 20),
        makeCrop(seed, (value) => 64 + value / 2),
        makeCrop(seed, (value) => value + 10 * (random() - 0.5)),
      ];
      for (const copy of copies) assert.ok(hashDistance(hash, hashOf(copy)) <= SAME_CROP_BITS);
    }),
    { numRuns: 15 },
  );
});

test('different pictures have hashes that differ in more bits than copies do', () => {
  const hashes = Array.from({ length: 20 }, (_, seed) => hashOf(makeCrop(seed)));
  hashes.forEach((a, i) => {
    for (const b of hashes.slice(0, i)) assert.ok(hashDistance(a, b) > SAME_CROP_BITS);
  });
});

test('the distance counts differing bits, is symmetric and 0 only between equal hashes', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const bits = (bytes: Uint8Array) => [...bytes].flatMap((byte) => [...byte.toString(2).padStart(8, '0')]);
  fc.assert(
    fc.property(hash, hash, (a, b) => {
      const expected = bits(a).filter((bit, i) => bit !== bits(b)[i]).length;
      assert.equal(hashDistance(a, b), expected);
      assert.equal(hashDistance(b, a), expected);
      assert.equal(hashDistance(a, a), 0);
      assert.deepEqual(cropHashBytes(Buffer.from(a).toString('hex')), Buffer.from(a));
    }),
  );
});

test('the digest of a photograph is the sha256 of its bytes', () => {
  // The well-known digest of "abc".
  assert.equal(
    photographDigest(Buffer.from('abc')),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});
