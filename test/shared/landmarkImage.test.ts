import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CROP_SIZE } from '../../src/shared/face.ts';
import { drawLandmarkImage } from '../../src/shared/landmarkImage.ts';

const landmarks = fc
  .array(fc.double({ min: -200, max: 300, noNaN: true }), { minLength: 136, maxLength: 136 })
  .map((values) => Float32Array.from(values));

test('a landmark image holds only 0 and 1, and something is drawn', () => {
  fc.assert(
    fc.property(landmarks, (points) => {
      const image = drawLandmarkImage(points);
      assert.equal(image.length, CROP_SIZE * CROP_SIZE);
      assert.ok(image.every((value) => value === 0 || value === 1));
      assert.ok(image.some((value) => value === 1));
    }),
    { numRuns: 50 },
  );
});

test('position and size of the face in the crop do not change its drawing', () => {
  fc.assert(
    fc.property(
      landmarks,
      fc.double({ min: 0.5, max: 2, noNaN: true }),
      fc.double({ min: -50, max: 50, noNaN: true }),
      (points, scale, shift) => {
        const moved = points.map((value) => value * scale + shift);
        const [first, second] = [drawLandmarkImage(points), drawLandmarkImage(moved)];
        const differing = first.filter((value, i) => value !== second[i]).length;
        // Rounding of float32 coordinates may flip pixels that lie exactly on a line's edge.
        assert.ok(differing <= 20, `${differing} pixels differ`);
      },
    ),
    { numRuns: 50 },
  );
});

test('proportions are kept: a narrow face fills the height and not the width', () => {
  const points = new Float32Array(136);
  for (let i = 0; i < 68; i++) {
    points[2 * i] = 40 + (i % 8);
    points[2 * i + 1] = 10 + i;
  }
  const image = drawLandmarkImage(points);
  const columns = new Set<number>();
  const rows = new Set<number>();
  image.forEach((value, i) => {
    if (value === 0) return;
    columns.add(i % CROP_SIZE);
    rows.add(Math.floor(i / CROP_SIZE));
  });
  assert.ok(rows.size > 100, `${rows.size} rows are drawn`);
  assert.ok(columns.size < 25, `${columns.size} columns are drawn`);
});
