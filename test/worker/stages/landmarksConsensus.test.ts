import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { agreedPoints } from '../../../src/worker/stages/landmarksConsensus.ts';

const layout = fc
  .array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 10, maxLength: 10 })
  .map((values) => Float32Array.from(values));

test('answers that are all the same are believed and have no spread', () => {
  fc.assert(
    fc.property(layout, fc.integer({ min: 1, max: 15 }), (answer, count) => {
      const { points, spread } = agreedPoints(Array(count).fill(answer), 50);
      assert.ok(points.every((value, i) => Math.abs(value - answer[i]!) < 1e-3));
      assert.ok(spread < 1e-4);
    }),
  );
});

test('a minority that says something else does not move the points, but widens the spread', () => {
  fc.assert(
    fc.property(layout, fc.double({ min: 30, max: 200, noNaN: true }), (answer, away) => {
      const other = answer.map((value) => value + away);
      const { points, spread } = agreedPoints([answer, other, answer, other, answer], 50);
      assert.ok(points.every((value, i) => Math.abs(value - answer[i]!) < 1e-3));
      assert.ok(spread > 0.3);
    }),
  );
});

test('the spread does not depend on the size of the picture', () => {
  fc.assert(
    fc.property(layout, layout, fc.double({ min: 0.1, max: 10, noNaN: true }), (a, b, factor) => {
      const plain = agreedPoints([a, b, a], 50);
      const scaled = agreedPoints(
        [a, b, a].map((answer) => answer.map((value) => value * factor)),
        50 * factor,
      );
      assert.ok(Math.abs(plain.spread - scaled.spread) < 1e-3);
    }),
  );
});
