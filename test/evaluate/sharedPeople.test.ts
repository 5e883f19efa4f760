import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EmbeddedPerson, findShared, refuseShared } from '../../src/evaluate/sharedPeople.ts';

/** A hash with this many of its first bits set. */
const hash = (bits: number) => ((1n << 256n) - (1n << BigInt(256 - bits))).toString(16).padStart(64, '0');

const person = (role: EmbeddedPerson['role'], subjectId: string, ...bits: number[]): EmbeddedPerson => {
  return { role, subjectId, photographs: [], crops: bits.map(hash), takesPart: true };
};

test('somebody of the corpus who is among the distractors is refused under both names', () => {
  const people = [
    person('evaluated', 'ada', 0, 60),
    person('evaluated', 'ben', 120),
    person('distractors', 'carl', 180),
    person('distractors', '017', 240, 60),
  ];
  const shared = findShared(people);
  assert.deepEqual(shared, [{ evaluated: 'ada', distractor: '017' }]);
  assert.throws(() => refuseShared(shared), {
    name: 'ConfigError',
    code: 'shared-people',
    message: /expected .* nobody in CORPUS, found 1 people in both: ada \(there 017\); leave them out/,
  });
});

test('distractors of the same names, or who look alike, are other people as long as no photograph is the same', () => {
  const people = [
    person('evaluated', 'ada', 0),
    person('evaluated', 'twin of ada', 0),
    person('distractors', 'ada', 1),
  ];
  assert.deepEqual(findShared(people), []);
  assert.doesNotThrow(() => refuseShared([]));
});

test('somebody who is left out of one of the two sets may be in the other', () => {
  const leftOut = (...person: EmbeddedPerson[]) => person.map((one) => ({ ...one, takesPart: false }));
  const ada = person('evaluated', 'ada', 0);
  const there = person('distractors', '017', 0);
  assert.equal(findShared([ada, there]).length, 1);
  assert.deepEqual(findShared([...leftOut(ada), there]), []);
  assert.deepEqual(findShared([ada, ...leftOut(there)]), []);
});

test('of many people in both sets an error names the first', () => {
  const names = Array.from({ length: 9 }, (_, i) => `p${i}`);
  const shared = findShared(
    (['evaluated', 'distractors'] as const).flatMap((role) =>
      names.map((name, i) => person(role, name, 25 * i)),
    ),
  );
  assert.throws(() => refuseShared(shared), /found 9 people in both: p0; p1; p2; p3; p4; p5 and 3 more/);
});
