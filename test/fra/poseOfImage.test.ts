import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPoseReader } from '../../src/fra/training/poseOfImage.ts';
import { drawLandmarkImage } from '../../src/shared/landmarkImage.ts';
import { headRotation, headShape, LANDMARK_DEPTH } from '../../src/training/headModel.ts';
import { frontalLandmarks } from '../helpers/frontalLandmarks.ts';

test('the pose reader tells yaw from drawings it has not seen', () => {
  const shape = headShape(frontalLandmarks(0, 0, 60));
  const posed = (yaw: number) => {
    const rotate = headRotation(yaw, 0);
    const points = new Float32Array(136);
    for (let i = 0; i < 68; i++) {
      const [x, y] = rotate(shape[2 * i]!, shape[2 * i + 1]!, LANDMARK_DEPTH[i]!);
      points.set([x, y], 2 * i);
    }
    return { image: drawLandmarkImage(points), yaw, pitch: 0 };
  };
  const read = openPoseReader(Array.from({ length: 61 }, (_, i) => posed(2 * i - 60)));
  for (const yaw of [-45, -21, 1, 33]) assert.ok(Math.abs(read(posed(yaw).image).yaw - yaw) <= 6);
});
