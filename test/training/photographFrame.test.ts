import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../src/shared/random.ts';
import { cutToFrame, type PhotographFrame, randomFrame } from '../../src/training/photographFrame.ts';
import { RENDER_EYE_LINE, RENDER_SIDE } from '../../src/training/renderPose.ts';

/** A picture that is white where the eyes of a render are, and black elsewhere. */
function eyesOnly() {
  const data = new Uint8Array(RENDER_SIDE * RENDER_SIDE * 3);
  const middle = Math.round(RENDER_EYE_LINE) * RENDER_SIDE + RENDER_SIDE / 2;
  data.fill(255, 3 * middle, 3 * middle + 3);
  return { width: RENDER_SIDE, height: RENDER_SIDE, data };
}

test('the middle between the eyes stays in every frame, and a frame is a part of the picture', () => {
  fc.assert(
    fc.property(fc.integer(), fc.double({ min: -80, max: 80, noNaN: true }), (seed, yaw) => {
      const random = seededRandom(seed);
      const frame = randomFrame(random);
      if (frame === undefined) return;
      const { width, height, data } = cutToFrame(eyesOnly(), frame, { yaw, pitch: 0 }, random);
      assert.ok(width > 0 && width <= RENDER_SIDE && height > 0 && height <= RENDER_SIDE);
      assert.equal(data.length, 3 * width * height);
      assert.ok(data.includes(255));
    }),
    // A narrow frame that follows a profile far, and jitters the same way.
    { examples: [[697745578, -75.50847991573757]] },
  );
});

test('a frame that follows the head leaves less room before a face that turns away', () => {
  const frame: PhotographFrame = { width: 2.6, height: 3, eyeLine: 0.4, follow: 1 };
  const eyesFromRight = (yaw: number) => {
    const { width, data } = cutToFrame(eyesOnly(), frame, { yaw, pitch: 0 }, seededRandom(1));
    return width - ((data.indexOf(255) / 3) % width);
  };
  assert.ok(eyesFromRight(60) < eyesFromRight(0) - 20);
  assert.ok(eyesFromRight(-60) > eyesFromRight(0) + 20);
});
