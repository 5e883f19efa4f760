import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../src/shared/random.ts';
import { headRotation, headShape, LANDMARK_DEPTH } from '../../src/training/headModel.ts';
import { varyLandmarks } from '../../src/training/landmarkVariation.ts';
import { openPoseRenderer, RENDER_EYE_LINE, RENDER_UNIT, toPpm } from '../../src/training/renderPose.ts';
import { thinPlateSurface } from '../../src/training/thinPlate.ts';
import { decodeImage } from '../../src/worker/stages/decode.ts';
import { frontalLandmarks } from '../helpers/frontalLandmarks.ts';

const angle = (bound: number) => fc.double({ min: -bound, max: bound, noNaN: true });

test('the head model is symmetric, its nose is the nearest point and its ears the farthest', () => {
  assert.equal(LANDMARK_DEPTH.length, 68);
  for (let i = 0; i <= 16; i++) assert.equal(LANDMARK_DEPTH[i], LANDMARK_DEPTH[16 - i]);
  assert.equal(Math.max(...LANDMARK_DEPTH), LANDMARK_DEPTH[30]);
  assert.equal(Math.min(...LANDMARK_DEPTH), LANDMARK_DEPTH[0]);
});

test('turning is rigid, and yaw > 0 moves the nose to the right, pitch > 0 up', () => {
  const distance = (a: number[], b: number[]) => Math.hypot(...a.map((value, i) => value - b[i]!));
  fc.assert(
    fc.property(angle(70), angle(30), (yaw, pitch) => {
      const rotate = headRotation(yaw, pitch);
      const [nose, ear] = [
        [0, 0.5, 0.6],
        [1.1, 0.1, -1],
      ] as [number, number, number][];
      const before = distance(nose!, ear!);
      assert.ok(Math.abs(distance(rotate(...nose!), rotate(...ear!)) - before) < 1e-9);
    }),
  );
  assert.ok(headRotation(20, 0)(0, 0.5, 0.6)[0] > 0.1);
  assert.ok(headRotation(0, 20)(0, 0.5, 0.6)[1] < 0.4);
});

test('place, size and roll of a face do not change its head shape', () => {
  const landmarks = frontalLandmarks(300, 250, 90);
  const roll = 0.3;
  const moved = landmarks.map((_, i) => {
    const [x, y] = [landmarks[i - (i % 2)]!, landmarks[i - (i % 2) + 1]!];
    return i % 2 === 0
      ? 2 * (x * Math.cos(roll) - y * Math.sin(roll)) + 40
      : 2 * (x * Math.sin(roll) + y * Math.cos(roll)) - 9;
  });
  const [first, second] = [headShape(landmarks), headShape(moved)];
  first.forEach((value, i) => {
    assert.ok(Math.abs(value - second[i]!) < 1e-4);
  });
});

test('a thin-plate surface passes through its points, and is a plane where they lie in one', () => {
  const random = seededRandom(1);
  const places = Array.from({ length: 12 }, () => [random(), random()] as const);
  const plane = thinPlateSurface(
    places.map(([x, y]) => [x, y, 2 * x - y + 3]),
    0,
  );
  assert.ok(Math.abs(plane(0.3, 5) - (0.6 - 5 + 3)) < 1e-6);
  const bumps = places.map(([x, y], i) => [x, y, Math.sin(7 * i)] as const);
  const surface = thinPlateSurface(bumps, 0);
  for (const [x, y, z] of bumps) assert.ok(Math.abs(surface(x, y) - z) < 1e-6);
});

/** A grey picture with a red dot on the nose tip and a blue one on the image's left cheek. */
function markedPicture() {
  const [width, height] = [600, 600];
  const data = new Uint8Array(width * height * 3).fill(128);
  const landmarks = frontalLandmarks(300, 250, 90);
  const dot = (cx: number, cy: number, colour: readonly number[]) => {
    for (let y = -6; y <= 6; y++)
      for (let x = -6; x <= 6; x++) data.set(colour, 3 * ((cy + y) * width + cx + x));
  };
  dot(Math.round(landmarks[60]!), Math.round(landmarks[61]!), [255, 0, 0]);
  dot(300 - 70, 250 + 55, [0, 0, 255]);
  return { picture: { width, height, data }, landmarks };
}

/** Mean place of pixels of a colour in a render; undefined when there is none. */
function findColour(data: Uint8Array, side: number, channel: number): { x: number; y: number } | undefined {
  let [x, y, count] = [0, 0, 0];
  for (let i = 0; i < side * side; i++) {
    if (data[3 * i + channel]! < 200 || data[3 * i + 1]! > 80) continue;
    x += i % side;
    y += Math.floor(i / side);
    count++;
  }
  return count === 0 ? undefined : { x: x / count, y: y / count };
}

test('in a render the nose moves the way the head turns, and a cheek that turns away disappears', () => {
  const { picture, landmarks } = markedPicture();
  const renderer = openPoseRenderer(picture, landmarks);
  const nose = (yaw: number, pitch: number) => {
    const { data, width } = renderer.render({ yaw, pitch });
    return findColour(data, width, 0)!;
  };
  const front = nose(0, 0);
  assert.ok(nose(30, 0).x > front.x + 5);
  assert.ok(nose(-30, 0).x < front.x - 5);
  assert.ok(nose(0, 20).y < front.y - 3);
  assert.ok(nose(0, -20).y > front.y + 1);
  const cheekPixels = (yaw: number) => {
    const { data } = renderer.render({ yaw, pitch: 0 });
    let count = 0;
    for (let i = 0; i < data.length; i += 3) if (data[i + 2]! > 200 && data[i]! < 80) count++;
    return count;
  };
  assert.ok(cheekPixels(0) > 20);
  assert.ok(cheekPixels(-75) < 0.5 * cheekPixels(0), `${cheekPixels(-75)} of ${cheekPixels(0)}`);
});

test('a head that turns shows its side: behind the ear goes on what is at its outline', () => {
  const { picture, landmarks } = markedPicture();
  // A wall beside the head: it must not turn with it.
  for (let i = 0; i < picture.data.length; i += 3) {
    if ((i / 3) % picture.width < 130 || (i / 3) % picture.width > 470) picture.data.fill(250, i, i + 3);
  }
  const { data, width } = openPoseRenderer(picture, landmarks).render({ yaw: 60, pitch: 0 });
  const eyeLine = 3 * (Math.round(RENDER_EYE_LINE) * width);
  const behind = Array.from({ length: 60 }, (_, x) => data[eyeLine + 3 * (x + 60)]!);
  assert.ok(
    behind.every((value) => value > 100 && value < 160),
    behind.join(' '),
  );
});

test('a lamp lights the side it stands on, and the side that turns away from it darkens', () => {
  const { picture, landmarks } = markedPicture();
  const renderer = openPoseRenderer(picture, landmarks);
  const lamp = { direction: [0.8, 0, 0.6], strength: 0.8 } as const;
  const cheek = (yaw: number, side: 1 | -1) => {
    const { data, width } = renderer.render({ yaw, pitch: 0 }, lamp);
    const row = Math.round(RENDER_EYE_LINE + 0.5 * RENDER_UNIT);
    const column = Math.round(width / 2 + side * 0.6 * RENDER_UNIT);
    return data[3 * (row * width + column) + 1]!;
  };
  assert.ok(cheek(0, 1) > cheek(0, -1) + 10, `${cheek(0, 1)} and ${cheek(0, -1)}`);
  assert.ok(cheek(-30, 1) > cheek(30, 1), `${cheek(-30, 1)} and ${cheek(30, 1)}`);
});

test('a render is a picture that the face pipeline decodes', async () => {
  const { picture, landmarks } = markedPicture();
  const render = openPoseRenderer(picture, landmarks).render({ yaw: 10, pitch: 0 });
  assert.deepEqual(await decodeImage(toPpm(render)), render);
});

test('invented landmarks are finite, repeat with the seed, and cover both sides of yaw', () => {
  const shapes = [headShape(frontalLandmarks(0, 0, 60)), headShape(frontalLandmarks(0, 0, 70))];
  // The nose tip's place between the outer eye corners tells the side.
  const sides = Array.from({ length: 200 }, (_, seed) => {
    const points = varyLandmarks(shapes, seededRandom(seed));
    assert.ok(points.every(Number.isFinite));
    assert.deepEqual(points, varyLandmarks(shapes, seededRandom(seed)));
    return Math.sign(points[60]! - (points[72]! + points[90]!) / 2);
  });
  assert.ok(sides.filter((side) => side > 0).length > 50);
  assert.ok(sides.filter((side) => side < 0).length > 50);
});
