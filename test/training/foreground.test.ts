import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foreground } from '../../src/training/foreground.ts';
import { headFrame } from '../../src/training/headModel.ts';
import { frontalLandmarks } from '../helpers/frontalLandmarks.ts';

const SIDE = 600;
const CENTRE = { x: 300, y: 250 };
const UNIT = 60;

/** A dark head, as wide as a face, before a wall whose colour `wall` gives. */
function portrait(wall: (x: number, y: number) => number) {
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const head = ((x - CENTRE.x) / (1.2 * UNIT)) ** 2 + ((y - CENTRE.y - 12) / (1.8 * UNIT)) ** 2 < 1;
      data.fill(head ? 50 : wall(x, y), 3 * (y * SIDE + x), 3 * (y * SIDE + x) + 3);
    }
  }
  const frame = headFrame(frontalLandmarks(CENTRE.x, CENTRE.y, UNIT));
  return { picture: { width: SIDE, height: SIDE, data }, frame };
}

test('a wall is found from the edge of the picture to the head, also when its light changes slowly', () => {
  const { picture, frame } = portrait((x) => 190 + Math.round(x / 20));
  const person = foreground(picture, frame);
  assert.equal(person[10 * SIDE + 10], 0);
  assert.equal(person[CENTRE.y * SIDE + CENTRE.x + Math.round(1.4 * UNIT)], 0);
  assert.equal(person[CENTRE.y * SIDE + CENTRE.x], 1);
  assert.equal(person[(CENTRE.y - UNIT) * SIDE + CENTRE.x], 1);
});

test('the middle of a face is never wall, however bright it is', () => {
  const { picture, frame } = portrait(() => 200);
  picture.data.fill(200);
  const person = foreground(picture, frame);
  assert.equal(person[CENTRE.y * SIDE + CENTRE.x], 1);
  assert.equal(person[10 * SIDE + 10], 0);
});

test('a face that fills its picture has no wall', () => {
  const { picture } = portrait(() => 200);
  const person = foreground(picture, headFrame(frontalLandmarks(300, 250, 240)));
  assert.ok(person.every((value) => value === 1));
});
