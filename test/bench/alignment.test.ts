import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mirrorPixels } from '../../bench/alignment/mirrorPixels.ts';
import {
  bootstrapDifference,
  identified,
  scoreTurned,
  type TurnedFace,
} from '../../bench/alignment/scores.ts';
import { fitHead, meanHead, turnHead } from '../../bench/alignment/turnedHead.ts';
import { turnedTemplate } from '../../bench/alignment/ways.ts';
import { TEMPLATE } from '../../src/worker/stages/alignTransform.ts';
import { frontalLandmarks } from '../helpers/frontalLandmarks.ts';

const head = meanHead([frontalLandmarks(100, 100, 60)]);

test('the turn of a head is found again in its landmarks, wherever they lie', () => {
  for (const yaw of [-60, -25, 0, 40, 75]) {
    const moved = turnHead(head, yaw, 10).map((value, i) => 30 * value + (i % 2 === 0 ? 50 : 70));
    assert.equal(fitHead(head, moved).yaw, yaw);
  }
});

test('the template of a head that looks ahead is the template', () => {
  const worst = Math.max(...turnedTemplate(head, 0).map((value, i) => Math.abs(value - TEMPLATE[i]!)));
  assert.ok(worst < 2, `off by ${worst} crop pixels`);
});

test('mirroring twice is the picture again', () => {
  const pixels = Uint8Array.from({ length: 5 * 4 * 3 }, (_, i) => i);
  assert.deepEqual([...mirrorPixels(mirrorPixels(pixels, 5), 5)], [...pixels]);
  assert.deepEqual([...mirrorPixels(pixels, 5).subarray(0, 3)], [12, 13, 14]);
});

const face = (subjectId: string, turn: number, ...embedding: number[]): TurnedFace => ({
  subjectId,
  turn,
  embedding: Float32Array.from(embedding),
});

test('only turned faces that are not enrolled are probes, and a distractor can win one', () => {
  const near = (id: string, ...e: number[]) => [face(id, 1, ...e), face(id, 2, ...e), face(id, 50, ...e)];
  const faces = [
    ...near('a', 1, 0, 0),
    face('a', 70, 1, 0, 0),
    face('a', 80, 0, 0, 1),
    face('a', 51, 1, 0, 0),
    face('a', 30, 0, 1, 0),
  ];
  const { people, bins } = scoreTurned(faces, near('x', 0, 0, 1));
  // Enrolled: 1, 2 and 30 degrees; probes: 50, 51, 70 and 80, of which the last looks like x.
  assert.deepEqual(people.get('a'), { right: 3, probes: 4 });
  assert.deepEqual(bins, [
    { right: 2, probes: 2 },
    { right: 1, probes: 1 },
    { right: 0, probes: 1 },
  ]);
});

test('the interval of a difference lies on the side of the better one', () => {
  const worse = new Map([
    ['a', { right: 5, probes: 10 }],
    ['b', { right: 6, probes: 10 }],
  ]);
  const better = new Map([
    ['a', { right: 8, probes: 10 }],
    ['b', { right: 7, probes: 10 }],
  ]);
  assert.equal(identified(better.values()), 0.75);
  const [low, high] = bootstrapDifference(better, worse);
  assert.ok(low > 0 && low <= high);
  assert.deepEqual(bootstrapDifference(worse, worse), [0, 0]);
});
