import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assignPhotographs } from '../../src/evaluate/people.ts';
import { planTrials, targetPoses } from '../../src/evaluate/trials.ts';
import { makePeople } from './syntheticPeople.ts';

const people = (evaluated: number, distractors = 3) => makePeople({ evaluated, distractors, seed: 1 });
const classesOf = (evaluated: number, distractors = 3) =>
  assignPhotographs(people(evaluated, distractors), 3, { rule: 'most-turned', count: 4 }).classes;

test('every evaluated person is tested once a seed, never trains in that fold, and distractors do neither', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 8, max: 15 }),
      fc.integer({ min: 2, max: 5 }),
      fc.integer({ min: 1, max: 3 }),
      fc.nat(99),
      (evaluated, folds, seeds, seed) => {
        const classes = classesOf(evaluated);
        const trials = planTrials(classes, { folds, seeds, seed });
        assert.equal(trials.length, folds * seeds);
        for (let s = 0; s < seeds; s++) {
          const tested = trials.filter((trial) => trial.seed === s).flatMap(({ test }) => test);
          assert.deepEqual(
            tested.map(({ index }) => index).sort((a, b) => a - b),
            classes.flatMap(({ role, index }) => (role === 'evaluated' ? [index] : [])),
          );
        }
        for (const { test, training } of trials) {
          assert.equal(test.length + training.length, evaluated);
          assert.ok(test.every((person) => !training.includes(person)));
        }
      },
    ),
    { numRuns: 30 },
  );
});

test('seeds divide people differently, and the same seed divides them the same', () => {
  const classes = classesOf(12);
  const plan = (seed: number) =>
    planTrials(classes, { folds: 4, seeds: 2, seed }).map(({ test }) => test.map(({ index }) => index));
  assert.deepEqual(plan(5), plan(5));
  assert.notDeepEqual(plan(5), plan(6));
  assert.notDeepEqual(plan(5).slice(0, 4), plan(5).slice(4));
});

test('fewer people than folds, or than leave two to learn from, are refused with the number that is enough', () => {
  for (const [folds, enough] of [
    [2, 4],
    [3, 3],
    [4, 4],
  ] as const) {
    const plan = (evaluated: number) =>
      planTrials(classesOf(evaluated), { folds, seeds: 1, seed: 0 }).map(({ training }) => training.length);
    assert.ok(Math.min(...plan(enough)) >= 2);
    assert.throws(() => plan(enough - 1), {
      name: 'ConfigError',
      message: new RegExp(`^evaluation: ${folds} folds need at least ${enough} people`),
    });
  }
});

test('the most frontal photographs enrol, the most turned test, and none does both', () => {
  for (const { enrol, probes, between } of classesOf(6)) {
    assert.equal(enrol.length, 3);
    assert.equal(probes.length, 4);
    const turn = (list: typeof probes) => list.map(({ yaw }) => Math.abs(yaw));
    assert.ok(Math.max(...turn(enrol)) <= Math.min(...turn(between)));
    assert.ok(Math.max(...turn(between)) <= Math.min(...turn(probes)));
    assert.equal(new Set([...enrol, ...probes, ...between]).size, 3 + 4 + between.length);
  }
});

test('a person without enough photographs is left out and named', () => {
  const [first, ...rest] = people(5);
  const short = { ...first!, photographs: first!.photographs.slice(0, 3) };
  const { classes, leftOut } = assignPhotographs([short, ...rest], 3, { rule: 'most-turned', count: 4 });
  assert.deepEqual(
    leftOut.map(({ subjectId }) => subjectId),
    [first!.subjectId],
  );
  assert.deepEqual(
    classes.map(({ index }) => index),
    classes.map((_, i) => i),
  );
});

test('with --min-yaw every photograph at or beyond it tests, and nothing before it', () => {
  const { classes } = assignPhotographs(people(5), 2, { rule: 'min-yaw', degrees: 40 });
  for (const { probes, between } of classes) {
    assert.ok(probes.every(({ yaw }) => Math.abs(yaw) >= 40));
    assert.ok(between.every(({ yaw }) => Math.abs(yaw) < 40));
  }
});

test('targets come from the training people alone', () => {
  const [trial] = planTrials(classesOf(8), { folds: 4, seeds: 1, seed: 2 });
  const moved = trial!.test.map((person) => ({
    ...person,
    probes: person.probes.map((probe) => ({ ...probe, yaw: 500 })),
  }));
  assert.deepEqual(targetPoses({ ...trial!, ...{ test: moved } }, 7), targetPoses(trial!, 7));
  const yaws = trial!.training.flatMap(({ probes }) => probes.map(({ yaw }) => yaw));
  for (const { yaw } of targetPoses(trial!, 7)) {
    assert.ok(yaw >= Math.min(...yaws) && yaw <= Math.max(...yaws));
  }
});
