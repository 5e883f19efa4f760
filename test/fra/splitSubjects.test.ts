import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type OwnedSample, splitSamples, splitSubjects } from '../../src/fra/training/splitSubjects.ts';

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 8, maxLength: 40 });

test('a division has everybody on one side, and a newcomer moves nobody but at the border', () => {
  fc.assert(
    fc.property(names, fc.integer({ min: 0, max: 99 }), (people, seed) => {
      const { training, validation } = splitSubjects(people, 0.25, seed);
      assert.deepEqual([...training, ...validation].sort(), [...people].sort());
      assert.ok(validation.length >= 2 && training.length >= 4);
    }),
  );
});

test('invented people train when all they are made of train; nobody of validation reaches training', () => {
  fc.assert(
    fc.property(names, fc.integer({ min: 0, max: 99 }), fc.nat(), (people, seed, pick) => {
      const real = people.map((subjectId): OwnedSample => ({ subjectId, origin: [] }));
      const invented = people.map(
        (_, i): OwnedSample => ({
          subjectId: `invented-${i}`,
          origin: [people[(i + pick) % people.length]!, people[(3 * i + 1) % people.length]!],
        }),
      );
      const { subjects, training, validation } = splitSamples([...real, ...invented], 0.25, seed, null);
      const validates = new Set(subjects.validation);
      assert.deepEqual(validation.map(({ subjectId }) => subjectId).sort(), [...subjects.validation].sort());
      for (const { subjectId, origin } of training) {
        assert.ok([subjectId, ...origin].every((person) => !validates.has(person)));
      }
      const pure = invented.filter(({ origin }) => origin.every((person) => !validates.has(person)));
      assert.equal(training.length, subjects.training.length + pure.length);
    }),
  );
});

test('a limit keeps that many training people, the same for a seed, and leaves validation as it is', () => {
  const real = Array.from({ length: 30 }, (_, i): OwnedSample => ({ subjectId: `p${i}`, origin: [] }));
  const all = splitSamples(real, 0.2, 1, null).subjects;
  const few = splitSamples(real, 0.2, 1, 7).subjects;
  const more = splitSamples(real, 0.2, 1, 12).subjects;
  assert.equal(few.training.length, 7);
  assert.deepEqual(few.validation, all.validation);
  assert.deepEqual(splitSamples(real, 0.2, 1, 7).subjects, few);
  // A larger limit adds people, so that a curve grows by people and not by luck.
  assert.ok(few.training.every((person) => more.training.includes(person)));
  assert.deepEqual(splitSamples(real, 0.2, 1, 100).subjects, all);
});
