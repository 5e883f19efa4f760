import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { measureRows } from '../../src/evaluate/evaluateRows.ts';
import type { Method } from '../../src/evaluate/method.ts';
import { assignPhotographs } from '../../src/evaluate/people.ts';
import { type EvaluationRow, TASKS } from '../../src/evaluate/result.ts';
import { meanOffset } from '../../src/evaluate/rivals/meanOffset.ts';
import { ORACLE } from '../../src/evaluate/rivals/oracles.ts';
import { LEAKED_PAIRS, REAL_PAIRS } from '../../src/evaluate/rivals/posePairs.ts';
import { ridgeMap } from '../../src/evaluate/rivals/ridgeMap.ts';
import { DUPLICATE, JITTER, NONE } from '../../src/evaluate/rivals/unlearned.ts';
import type { EvaluationSettings } from '../../src/evaluate/settings.ts';
import { verdictsOf } from '../../src/evaluate/verdict.ts';
import { openBackend } from '../../src/fra/backend.ts';
import { makePeople, type SyntheticOptions } from './syntheticPeople.ts';

before(() => openBackend('cpu', 1));

const settings: EvaluationSettings = {
  folds: 4,
  seeds: 2,
  seed: 1,
  enrol: 3,
  variants: 6,
  probes: { rule: 'most-turned', count: 4 },
  tasks: TASKS,
  shuffleLabels: false,
  allowLeakage: false,
  subjectPrefix: '',
  detector: 'none',
};
const hooks = { stage() {}, progress() {}, note() {}, signal: new AbortController().signal };
const methods = [
  NONE,
  DUPLICATE,
  JITTER,
  meanOffset(REAL_PAIRS),
  ridgeMap(REAL_PAIRS),
  ridgeMap(LEAKED_PAIRS),
  ORACLE,
];

async function measure(world: Partial<SyntheticOptions>, rows: readonly Method[] = methods) {
  const people = makePeople({ evaluated: 16, distractors: 24, seed: 5, ...world });
  const { classes } = assignPhotographs(people, settings.enrol, settings.probes);
  return measureRows({ classes, methods: rows, settings, hooks });
}

function gain(rows: readonly { row: EvaluationRow }[], id: string) {
  return rows.find(({ row }) => row.id === id)!.row.metrics.ncm!.difference!;
}

test('where a turn is the same for everybody, the mean offset helps and is found to', async () => {
  const { rows } = await measure({ shared: 1 });
  assert.ok(gain(rows, 'mean-offset-real').low > 0.05);
  assert.ok(gain(rows, 'oracle').low > 0);
  const none = rows[0]!.row;
  assert.equal(none.metrics.ncm!.difference, undefined);
  const [verdict] = verdictsOf(rows);
  assert.equal(verdict!.helps, 'yes');
  assert.match(verdict!.text, /helps/);
});

test('with names dealt out anew nothing helps, and everything is at the level of guessing', async () => {
  const { rows } = await measure({ shared: 1, shuffled: true });
  for (const { row } of rows.filter(({ row: { kind } }) => kind === 'rival')) {
    const { value, low, high } = row.metrics.ncm!.difference!;
    assert.ok(low <= 0 && high >= 0, `${row.id}: ${value} from ${low} to ${high}`);
    assert.ok(row.metrics.ncm!.value < 0.12);
    assert.ok(Math.abs(row.metrics.eer!.value - 0.5) < 0.1);
  }
});

test('learning from the tested people looks like a gain even where names mean nothing', async () => {
  const { rows } = await measure({ shared: 0.5, shuffled: true });
  assert.ok(gain(rows, 'ridge-leaked').value > gain(rows, 'ridge-real').value + 0.1);
});

test('every row has every metric, each value within its interval', async () => {
  const { rows, pairs } = await measure({ shared: 0.8 });
  assert.ok(pairs.genuine === 16 * 4 && pairs.impostor === 16 * 4 * 39);
  for (const { row } of rows) {
    // 2,496 impostor pairs allow a rate of 1 %, not of 0.1 %.
    assert.ok(row.metrics.tar2 && !row.metrics.tar3, row.id);
    const values = Object.values(row.metrics);
    assert.equal(values.length, 13);
    for (const { value, low, high } of values) {
      assert.ok(low <= value + 1e-9 && value <= high + 1e-9, row.id);
    }
    assert.equal(
      row.byYaw.reduce((sum, { probes }) => sum + probes, 0),
      16 * 4,
    );
  }
});

test('the same seed gives the same table, bit by bit', async () => {
  const [a, b] = [await measure({ shared: 0.5 }), await measure({ shared: 0.5 })];
  const numbers = ({ rows }: typeof a) => rows.map(({ row: { cost: _, ...rest } }) => rest);
  assert.deepEqual(numbers(a), numbers(b));
});
