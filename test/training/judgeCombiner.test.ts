import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PairSample } from '../../src/fra/training/pairs.ts';
import { requireTurnedFaces } from '../../src/training/judgeCombiner.ts';

/** One photograph of every person at each of the yaws, frontal ones rendered at 30° as well. */
function samplesOf(people: readonly string[], yaws: readonly number[]): PairSample[] {
  return people.flatMap((subjectId) =>
    yaws.flatMap((yaw, i) => {
      const shared = { subjectId, faceId: `${subjectId}/${i}`, pitch: 0, code: new Float32Array(1) };
      const photograph = { ...shared, yaw, gridIndex: yaw > 20 ? 1000 + yaw : -1 };
      const render = { ...shared, yaw: 30, gridIndex: 4 };
      return (yaw > 20 ? [photograph] : [photograph, render]).map((sample) => ({
        ...sample,
        embedding: Float32Array.of(Math.cos(sample.yaw), Math.sin(sample.yaw)),
      }));
    }),
  );
}

const [training, validation] = [
  ['a', 'b', 'c', 'd'],
  ['x', 'y'],
];

test('people of whom there is one pose only are refused: of a photograph alone nothing can be judged', () => {
  const check = (yaws: readonly number[]) =>
    requireTurnedFaces(samplesOf(training, yaws), samplesOf(validation, yaws), 0);
  assert.throws(() => check([40]), { code: 'too-few-poses', message: /near-frontal/ });
  check([0]);
  check([40, 60]);
});

test('one turned face of all who validate is refused: of one there is no spread', () => {
  const people = (yaws: readonly number[]) => samplesOf(training, yaws);
  const one = [...samplesOf(['x'], [40, 60]), ...samplesOf(['y'], [40])];
  assert.throws(() => requireTurnedFaces(people([40, 60]), one, 0), { code: 'too-few-poses' });
});

test('people to learn from of whom there is one face each are refused, however many the others have', () => {
  const frontal = samplesOf(['a', 'b'], [0]).filter(({ gridIndex }) => gridIndex === -1);
  const single = [...frontal, ...samplesOf(['c', 'd'], [40])];
  const check = (learning: typeof single) => requireTurnedFaces(learning, samplesOf(validation, [0, 40]), 0);
  assert.throws(() => check(single), { code: 'too-few-poses' });
  check([...single, ...samplesOf(['e'], [0, 40])]);
});

test('validation people at poses that no training person shows are refused', () => {
  assert.throws(() => requireTurnedFaces(samplesOf(training, [0]), samplesOf(validation, [60, 80]), 0), {
    code: 'too-few-poses',
  });
});
