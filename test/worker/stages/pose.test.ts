import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { headRotation, headShape, LANDMARK_DEPTH } from '../../../src/training/headModel.ts';
import type { PoseNetwork, PoseView } from '../../../src/worker/models/frPose.ts';
import { layoutYaw } from '../../../src/worker/stages/layoutYaw.ts';
import { agreedYaw, measurePoses } from '../../../src/worker/stages/pose.ts';
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

const region = { x: 0, y: 0, width: 1, height: 1 };
const picture = { width: 1, height: 1, data: new Uint8Array(3) };

/** A head turned to the image's right by `yaw`; the network answers of every view what `answer` says. */
async function measure(yaw: number, answer: (mirrored: boolean) => number) {
  const views: PoseView[] = [];
  const network: PoseNetwork = {
    async measure(shown) {
      views.push(...shown);
      return shown.map(({ mirrored }) => ({ yaw: answer(mirrored), pitch: 5, roll: mirrored ? -3 : 3 }));
    },
    close: async () => {},
  };
  const [pose] = await measurePoses(network, [{ picture, region, points68: turnedHead(yaw, 0) }]);
  return { pose: pose!, shown: views.map(({ mirrored }) => mirrored) };
}

test('a face to the front is looked at once, turned to the image’s right', async () => {
  const right = await measure(8, (mirrored) => (mirrored ? 99 : -10));
  assert.deepEqual(right, { pose: { yaw: 10, pitch: 5, roll: 3 }, shown: [false] });
  const left = await measure(-8, (mirrored) => (mirrored ? -10 : 99));
  assert.deepEqual(left, { pose: { yaw: -10, pitch: 5, roll: 3 }, shown: [true] });
});

test('a turned face is looked at both ways round, and the answers are averaged', async () => {
  const right = await measure(35, (mirrored) => (mirrored ? 40 : -30));
  assert.deepEqual(right, { pose: { yaw: 35, pitch: 5, roll: 3 }, shown: [false, true] });
  const left = await measure(-35, (mirrored) => (mirrored ? -30 : 40));
  assert.deepEqual(left, { pose: { yaw: -35, pitch: 5, roll: 3 }, shown: [true, false] });
});

test('a face that only its landmarks show turned is looked at both ways round', async () => {
  const { shown } = await measure(60, (mirrored) => (mirrored ? 5 : -5));
  assert.deepEqual(shown, [false, true]);
});
