import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Detection } from '../../../src/worker/models/detector.ts';
import { agreedFaces } from '../../../src/worker/stages/detectConsensus.ts';

const seen = (x: number, score: number, side = 100): Detection => ({
  box: { x, y: 10, width: side, height: side },
  score,
});

test('looks that agree give one face at their mean, weighted by score', () => {
  const [face, ...others] = agreedFaces([seen(0, 1), seen(4, 1), seen(10, 0.5)]);
  assert.equal(others.length, 0);
  assert.equal(face!.votes, 3);
  assert.ok(Math.abs(face!.box.x - (0 + 4 + 5) / 2.5) < 1e-9);
  assert.ok(Math.abs(face!.score - 2.5 / 3) < 1e-9);
});

test('what only one look has seen is left out, however sure it was', () => {
  const faces = agreedFaces([seen(0, 0.7), seen(2, 0.7), seen(4, 0.7), seen(300, 0.99)]);
  assert.deepEqual(
    faces.map(({ votes }) => votes),
    [3],
  );
});

test('two faces that all looks have seen are two faces', () => {
  const faces = agreedFaces([seen(0, 0.9), seen(300, 0.8), seen(2, 0.9), seen(302, 0.8)]);
  assert.deepEqual(
    faces.map(({ votes }) => votes),
    [2, 2],
  );
});

test('a single sighting is a face where there is nothing better', () => {
  assert.equal(agreedFaces([seen(0, 0.7)]).length, 1);
  assert.equal(agreedFaces([]).length, 0);
});

test('every detection is in one group at the most, whatever numbers a network answers: no area, negative, not finite', () => {
  const any = fc.oneof(fc.double(), fc.constantFrom(0, -1, 10, Number.NaN));
  const box = fc.record({ x: any, y: any, width: any, height: any });
  fc.assert(
    fc.property(fc.array(fc.record({ box, score: any }), { maxLength: 12 }), (detections) => {
      const faces = agreedFaces(detections);
      const votes = faces.map((face) => face.votes);
      assert.ok(votes.every((count) => count > 0));
      assert.ok(votes.reduce((sum, count) => sum + count, 0) <= detections.length);
      assert.equal(faces.length > 0, detections.length > 0);
    }),
  );
});

test('points are the mean of the points seen', () => {
  const points = (value: number) => new Float32Array(10).fill(value);
  const [face] = agreedFaces([
    { ...seen(0, 1), points: points(10) },
    { ...seen(0, 1), points: points(20) },
  ]);
  assert.deepEqual([...face!.points!], Array(10).fill(15));
});
