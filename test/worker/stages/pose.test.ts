import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { headRotation, headShape, LANDMARK_DEPTH } from '../../../src/training/headModel.ts';
import { layoutYaw } from '../../../src/worker/stages/layoutYaw.ts';
import { agreedYaw } from '../../../src/worker/stages/pose.ts';
import { frontalLandmarks } from '../../helpers/frontalLandmarks.ts';

function turnedHead(yaw: number, roll: number): Float32Array {
  const shape = headShape(frontalLandmarks(0, 0, 60));
  const rotate = headRotation(yaw, 0);
  const points = new Float32Array(136);
  for (let i = 0; i < 68; i++) {
    const [x, y] = rotate(shape[2 * i]!, shape[2 * i + 1]!, LANDMARK_DEPTH[i]!);
    points[2 * i] = x * Math.cos(roll) - y * Math.sin(roll);
    points[2 * i + 1] = x * Math.sin(roll) + y * Math.cos(roll);
  }
  return points;
}

test('the layout of a turned head says how far and to which side it is turned, whatever its roll and size', () => {
  const roll = fc.double({ min: -0.5, max: 0.5, noNaN: true });
  const size = fc.double({ min: 0.1, max: 100, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 45, max: 70 }), fc.boolean(), roll, size, (yaw, left, tilt, scale) => {
      const signed = left ? -yaw : yaw;
      const read = layoutYaw(turnedHead(signed, tilt).map((value) => value * scale));
      assert.equal(Math.sign(read), Math.sign(signed));
      assert.ok(Math.abs(read - signed) < 12, `${signed} read as ${read}`);
    }),
  );
});

test('a layout whose points coincide is not turned', () => {
  assert.equal(layoutYaw(new Float32Array(136)), 0);
});

test('the layout is believed only where it shows a face turned much further than the network says', () => {
  assert.equal(agreedYaw(20, 62), 62);
  assert.equal(agreedYaw(2, -52), -52);
  assert.equal(agreedYaw(45, 62), 45);
  assert.equal(agreedYaw(0, 30), 0);
  assert.equal(agreedYaw(85, 30), 85);
});
