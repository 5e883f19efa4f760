import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MeasuredRow } from '../../src/evaluate/evaluateRows.ts';
import { verdictsOf } from '../../src/evaluate/verdict.ts';
import { madeUpRow } from '../helpers/madeUpEvaluation.ts';

/** Draws that lie evenly between two ends around `value`. */
function spreadOver(value: number, low: number, high: number) {
  return { value, draws: Float64Array.from({ length: 1001 }, (_, i) => low + ((high - low) * i) / 1000) };
}

/** The verdict on a generator whose true postures beat random ones by as much. */
function verdictFor(value: number, low: number, high: number) {
  const rows: MeasuredRow[] = [
    { row: madeUpRow('none', 'none', 0), metrics: new Map([['ncm', spreadOver(0.6, 0.6, 0.6)]]) },
    {
      row: madeUpRow('fra', 'generator', 0.1),
      metrics: new Map([['ncm', spreadOver(0.7 + value, 0.7 + low, 0.7 + high)]]),
    },
    {
      row: madeUpRow('fra-posture-random', 'ablation', 0.1, { of: 'fra' }),
      metrics: new Map([['ncm', spreadOver(0.7, 0.7, 0.7)]]),
      ablation: 'posture-random',
    },
  ];
  return verdictsOf(rows)[0]!;
}

test('the best rival is one that makes embeddings of embeddings: none that runs the recogniser again or changes the space', () => {
  const rival = (id: string, value: number): MeasuredRow => ({
    row: madeUpRow(id, 'rival', value - 0.6),
    metrics: new Map([['ncm', spreadOver(value, value, value)]]),
  });
  const rows: MeasuredRow[] = [
    { row: madeUpRow('none', 'none', 0), metrics: new Map([['ncm', spreadOver(0.6, 0.6, 0.6)]]) },
    { row: madeUpRow('fra', 'generator', 0.1), metrics: new Map([['ncm', spreadOver(0.7, 0.7, 0.7)]]) },
    { ...rival('mirror', 0.9), space: 'picture' },
    { ...rival('wccn', 0.8), space: 'transformed' },
    rival('jitter', 0.65),
    rival('mean', 0.62),
  ];
  assert.equal(verdictsOf(rows)[0]!.bestRivalId, 'jitter');
});

test('of a rival is said what it learnt from, and of one that learns nothing, nothing', () => {
  const textWith = (trainedOn: string) => {
    const rows: MeasuredRow[] = [
      { row: madeUpRow('none', 'none', 0), metrics: new Map([['ncm', spreadOver(0.6, 0.6, 0.6)]]) },
      { row: madeUpRow('fra', 'generator', 0.1), metrics: new Map([['ncm', spreadOver(0.7, 0.7, 0.7)]]) },
      {
        row: madeUpRow('ridge map', 'rival', 0.05, { trainedOn }),
        metrics: new Map([['ncm', spreadOver(0.65, 0.65, 0.65)]]),
      },
    ];
    return verdictsOf(rows)[0]!.text;
  };
  assert.match(textWith('real pairs'), /best simple rival, ridge map \(real pairs\): /);
  assert.match(textWith('nothing'), /best simple rival, ridge map: /);
  assert.match(textWith(''), /best simple rival, ridge map: /);
});

test('posture is not used where an interval within one point says so, and unclear where a wider one crosses 0', () => {
  assert.equal(verdictFor(0.05, 0.01, 0.09).postureUsed, 'yes');
  assert.equal(verdictFor(0.002, -0.006, 0.009).postureUsed, 'no');
  assert.equal(verdictFor(-0.05, -0.09, -0.01).postureUsed, 'no');
  assert.equal(verdictFor(0, 0, 0).postureUsed, 'no');
  assert.equal(verdictFor(0.03, -0.02, 0.08).postureUsed, 'unclear');
  assert.equal(verdictFor(-0.03, -0.08, 0.004).postureUsed, 'unclear');
});

test('the text says that posture is not used only where that is known', () => {
  assert.match(verdictFor(0.002, -0.006, 0.009).text, /Posture not used/);
  const { text } = verdictFor(0.03, -0.02, 0.08);
  assert.doesNotMatch(text, /Posture not used/);
  assert.match(text, /cannot be told: against postures drawn at random \+3\.0 points \(95 % interval −/);
});
