import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { projectEmbeddings } from '../../src/dashboard/data/projection.ts';
import { randomNormal, seededRandom } from '../../src/shared/random.ts';

test('points of a plane keep their distances, whatever space the plane lies in', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 })), {
        minLength: 3,
        maxLength: 12,
      }),
      (plane) => {
        // Two orthonormal directions of 8 dimensions.
        const a = [0.6, 0, 0.8, 0, 0, 0, 0, 0];
        const b = [0, 0.8, 0, 0, 0.6, 0, 0, 0];
        const { points, explained } = projectEmbeddings(
          plane.map(([x, y]) => a.map((value, i) => x * value + y * b[i]! + 3)),
        );
        for (const [i, p] of plane.entries()) {
          for (const [j, q] of plane.entries()) {
            const before = Math.hypot(p[0] - q[0], p[1] - q[1]);
            const after = Math.hypot(points[i]![0] - points[j]![0], points[i]![1] - points[j]![1]);
            assert.ok(Math.abs(before - after) < 1e-6, `${before} ${after}`);
          }
        }
        const total = explained[0] + explained[1];
        assert.ok(total === 0 || Math.abs(total - 1) < 1e-9);
      },
    ),
  );
});

test('the first axis is the one along which the points vary most', () => {
  const random = seededRandom(1, 'projection');
  const rows = Array.from({ length: 40 }, () =>
    Array.from({ length: 64 }, (_, i) => randomNormal(random) * (i === 5 ? 9 : i === 9 ? 4 : 0.1)),
  );
  const { points, explained } = projectEmbeddings(rows);
  const centre = rows.reduce((sum, row) => sum + row[5]!, 0) / rows.length;
  const sign = Math.sign(points[0]![0] * (rows[0]![5]! - centre));
  for (const [i, [x]] of points.entries()) assert.ok(Math.abs(sign * x - (rows[i]![5]! - centre)) < 0.5);
  assert.ok(explained[0] > 0.7 && explained[1] > 0.05 && explained[0] + explained[1] > 0.98);
});

test('one point, and points that are all the same, are no failure', () => {
  assert.deepEqual(projectEmbeddings([[1, 2]]), { points: [[0, 0]], explained: [0, 0] });
  const { points } = projectEmbeddings([
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
  for (const [x, y] of points) assert.ok(Math.hypot(x, y) < 1e-9);
});

test('as many points as the page shows do not hold the server up', () => {
  const random = seededRandom(2, 'projection');
  const rows = Array.from({ length: 180 }, () =>
    Float32Array.from({ length: 512 }, () => randomNormal(random)),
  );
  const began = process.cpuUsage();
  projectEmbeddings(rows);
  const { user } = process.cpuUsage(began);
  assert.ok(user < 1_500_000, `${user} µs of the processor`);
});
