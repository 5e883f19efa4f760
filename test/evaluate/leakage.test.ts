import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLeaks, type KnownPerson, refuseLeaks, type TrainingRecord } from '../../src/evaluate/leakage.ts';
import { subjectDigest } from '../../src/fra/training/splitSubjects.ts';
import { ConfigError } from '../../src/shared/errors.ts';
import { SAME_CROP_BITS } from '../../src/shared/photographDigest.ts';

const digest = (n: number) => n.toString(16).padStart(64, '0');
/** A hash with this many bits set. */
const hash = (bits: number) =>
  `${'1'.repeat(bits)}`.padEnd(256, '0').replaceAll(/.{4}/g, (four) => Number.parseInt(four, 2).toString(16));

function makeRecord(change: Partial<TrainingRecord> = {}): TrainingRecord {
  return {
    model: 'mine',
    subjects: 2,
    subjectDigests: ['ada', 'ben'].map(subjectDigest),
    photographDigests: [digest(1), digest(2)],
    cropHashes: [hash(0)],
    ...change,
  };
}

function makePerson(change: Partial<KnownPerson> = {}): KnownPerson {
  return { subjectId: 'eve', role: 'evaluated', photographs: [digest(9)], crops: [hash(90)], ...change };
}

test('people that the model never saw are clean, and the result says what was compared', () => {
  const leakage = findLeaks([makeRecord()], [makePerson()]);
  assert.equal(leakage.status, 'clean');
  assert.deepEqual(leakage.models, [
    { model: 'mine', trainingSubjects: 2, checkedBy: ['name', 'photograph', 'look-alike crop'] },
  ]);
  assert.doesNotThrow(() => refuseLeaks(leakage));
  assert.equal(findLeaks([], [makePerson()]).status, 'not-checked');
});

test('a training person is found by name, by the bytes of a photograph, and by a look-alike crop', () => {
  const planted = [
    [{ subjectId: 'ada' }, 'name'],
    [{ photographs: [digest(7), digest(2)] }, 'photograph'],
    [{ crops: [hash(100), hash(SAME_CROP_BITS)] }, 'look-alike crop'],
  ] as const;
  for (const [change, kind] of planted) {
    const leakage = findLeaks([makeRecord()], [makePerson(), makePerson({ ...change, role: 'distractors' })]);
    assert.equal(leakage.status, 'leaked');
    assert.deepEqual(
      leakage.findings.map(({ foundBy, corpus }) => [foundBy, corpus]),
      [[[kind], 'distractors']],
    );
    assert.throws(
      () => refuseLeaks(leakage),
      (error) =>
        error instanceof ConfigError &&
        error.code === 'leakage' &&
        error.message.includes(kind) &&
        error.message.includes('--allow-leakage'),
    );
  }
});

test('a crop that differs in one bit more than copies do is another photograph', () => {
  const leakage = findLeaks([makeRecord()], [makePerson({ crops: [hash(SAME_CROP_BITS + 1)] })]);
  assert.equal(leakage.status, 'clean');
});

test('an equal name of another person is let through with a prefix, an equal photograph is not', () => {
  const named = makePerson({ subjectId: 'ada' });
  assert.equal(findLeaks([makeRecord()], [named], 'other/').status, 'clean');
  assert.throws(() => refuseLeaks(findLeaks([makeRecord()], [named])), /--subject-prefix/);
  const copied = makePerson({ subjectId: 'ada', photographs: [digest(1)] });
  assert.equal(findLeaks([makeRecord()], [copied], 'other/').status, 'leaked');
});

test('a card without photographs is compared by name alone, and says so', () => {
  const old = makeRecord({ photographDigests: undefined, cropHashes: undefined });
  const leakage = findLeaks([old], [makePerson({ photographs: [digest(1)], crops: [hash(0)] })]);
  assert.equal(leakage.status, 'clean');
  assert.deepEqual(leakage.models[0]!.checkedBy, ['name']);
});
