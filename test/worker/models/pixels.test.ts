import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { halve, warpSquare } from '../../../src/worker/models/pixels.ts';
import { PIXELS_WASM } from '../../../src/worker/models/pixelsWasm.ts';
import { normalisedPlanes, writePlanes } from '../../../src/worker/models/planes.ts';
import type { Raster } from '../../../src/worker/models/raster.ts';
import { resample, resamplePlanes } from '../../../src/worker/models/resample.ts';
import { resampleSlowly, valueAt, warpSlowly } from './pixelsReference.ts';

/** A picture of noise: any displaced byte shows. */
const picture = fc
  .record({
    width: fc.integer({ min: 1, max: 40 }),
    height: fc.integer({ min: 1, max: 40 }),
    seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  })
  .map(({ width, height, seed }): Raster => {
    let state = seed;
    const data = Uint8Array.from({ length: width * height * 3 }, () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return state >>> 24;
    });
    return { width, height, data };
  });

test('the compiled loops are those of the source', async () => {
  const { compilePixels } = (await import(
    new URL('../../../../scripts/build-pixels.mjs', import.meta.url).href
  )) as { compilePixels: () => Promise<string> };
  assert.equal(await compilePixels(), PIXELS_WASM);
});

test('a region is resampled as the plain loops do it, wherever it lies', () => {
  const side = fc.integer({ min: 1, max: 37 });
  const start = fc.double({ min: -30, max: 50, noNaN: true });
  // At most twice as many picture pixels as wanted ones: beyond, a halved picture is taken.
  const step = fc.double({ min: 0.1, max: 1.99, noNaN: true });
  fc.assert(
    fc.property(
      picture,
      start,
      start,
      step,
      step,
      side,
      side,
      (source, x, y, stepX, stepY, width, height) => {
        const region = { x, y, width: stepX * width, height: stepY * height };
        const expected = resampleSlowly(source, region, width, height);
        const found = resample(source, region, width, height);
        assert.equal(found.length, expected.length);
        for (const [i, value] of expected.entries()) assert.ok(Math.abs(found[i]! - value) < 1e-2);
      },
    ),
  );
});

test('planes of a region are its resampled pixels, normalised or grey, and leave the rest of the batch alone', () => {
  const side = fc.integer({ min: 1, max: 19 });
  const start = fc.integer({ min: -25, max: 45 });
  const order = fc.constantFrom('RGB' as const, 'BGR' as const);
  const black = fc.integer({ min: 0, max: 130 });
  const grey = { red: 0.3, green: 0.6, blue: 0.1, shift: -1 };
  fc.assert(
    fc.property(
      picture,
      start,
      start,
      side,
      side,
      order,
      black,
      (source, x, y, width, height, channelOrder, mean) => {
        const region = { x, y, width: 1.3 * width, height: 0.7 * height };
        const size = width * height;
        const pixels = resample(source, region, width, height);
        const normalisation = { mean: [mean, 1, 2], std: [2, 3, 128], channelOrder } as const;
        const expected = new Float32Array(3 * size);
        writePlanes(expected, 0, pixels, normalisation);
        const found = new Float32Array(4 * size + 2).fill(7);
        const mixes = [...normalisedPlanes(normalisation), grey];
        resamplePlanes(source, region, [width, height], mixes, found, 1);
        assert.deepEqual([found[0], found.at(-1)], [7, 7]);
        for (const [i, value] of expected.entries()) assert.ok(Math.abs(found[1 + i]! - value) < 1e-3);
        for (let i = 0; i < size; i++) {
          const [red, green, blue] = pixels.subarray(3 * i);
          const value = 0.3 * red! + 0.6 * green! + 0.1 * blue! - 1;
          assert.ok(Math.abs(found[1 + 3 * size + i]! - value) < 1e-3);
        }
      },
    ),
  );
});

test('a crop is warped as the plain loops do it, black outside the picture', () => {
  const part = fc.double({ min: -1.5, max: 1.5, noNaN: true });
  const shift = fc.double({ min: -40, max: 40, noNaN: true });
  const samples = fc.integer({ min: 1, max: 3 });
  const side = fc.integer({ min: 1, max: 6 }).map((fours) => 4 * fours);
  fc.assert(
    fc.property(picture, part, part, shift, shift, samples, side, (source, a, b, tx, ty, each, size) => {
      const expected = warpSlowly(source, { a, b, tx, ty }, each, size);
      const found = warpSquare(source, { a, b, tx, ty }, each, size);
      for (const [i, value] of expected.entries()) assert.ok(Math.abs(found[i]! - value) < 0.51);
    }),
  );
});

test('a halved picture holds the rounded means of 2×2 pixels, black beyond an odd edge', () => {
  fc.assert(
    fc.property(picture, (source) => {
      const half = halve(source);
      assert.equal(half.width, Math.ceil(source.width / 2));
      assert.equal(half.height, Math.ceil(source.height / 2));
      for (const [i, value] of half.data.entries()) {
        const [c, x] = [i % 3, Math.floor(i / 3) % half.width];
        const y = Math.floor(i / 3 / half.width);
        let sum = 0;
        for (const dy of [0, 1]) for (const dx of [0, 1]) sum += valueAt(source, 2 * x + dx, 2 * y + dy, c);
        assert.equal(value, Math.floor((sum + 2) / 4));
      }
    }),
  );
});
