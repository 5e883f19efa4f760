import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { writePlanes } from '../../../src/worker/models/planes.ts';
import type { Raster } from '../../../src/worker/models/raster.ts';
import { resample } from '../../../src/worker/models/resample.ts';

const raster = (width: number, height: number, value: (x: number, y: number) => number): Raster => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) =>
    value(Math.floor(i / 3) % width, Math.floor(i / 3 / width)),
  ),
});

test('resampling the whole picture to its own size changes nothing', () => {
  const source = raster(7, 5, (x, y) => x * 20 + y * 3);
  const same = resample(source, { x: 0, y: 0, width: 7, height: 5 }, 7, 5);
  assert.deepEqual([...same], [...source.data]);
});

test('a region inside an even picture is even, at any size', () => {
  const source = raster(60, 60, () => 200);
  fc.assert(
    fc.property(
      fc.double({ min: 10, max: 20, noNaN: true }),
      fc.double({ min: 1, max: 25, noNaN: true }),
      fc.integer({ min: 3, max: 40 }),
      (start, length, size) => {
        const region = { x: start, y: start, width: length, height: length };
        for (const value of resample(source, region, size, size)) assert.ok(Math.abs(value - 200) < 1e-3);
      },
    ),
  );
});

test('whatever lies outside the picture is black', () => {
  const source = raster(10, 10, () => 255);
  const far = resample(source, { x: 30, y: -50, width: 10, height: 10 }, 4, 4);
  assert.ok(far.every((value) => value === 0));
  const padded = resample(source, { x: -10, y: -10, width: 30, height: 30 }, 30, 30);
  assert.equal(padded[0], 0);
  assert.equal(padded[(15 * 30 + 15) * 3], 255);
});

test('shrinking averages: a fine chequerboard becomes grey, not a pattern', () => {
  const source = raster(128, 128, (x, y) => ((x + y) % 2) * 200);
  const small = resample(source, { x: 0, y: 0, width: 128, height: 128 }, 16, 16);
  for (let y = 1; y < 15; y++) {
    for (let x = 1; x < 15; x++) assert.ok(Math.abs(small[(y * 16 + x) * 3]! - 100) < 2);
  }
});

test('planes follow the channel order and the normalisation of each plane', () => {
  const planes = new Float32Array(6);
  const pixels = Uint8Array.of(10, 20, 30, 11, 21, 31);
  writePlanes(planes, 0, pixels, { mean: [1, 2, 3], std: [1, 2, 1], channelOrder: 'BGR' });
  assert.deepEqual([...planes], [29, 30, 9, 9.5, 7, 8]);
});
