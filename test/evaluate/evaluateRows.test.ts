import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { compareRows } from '../../src/evaluate/evaluateRows.ts';
import { measureMethod, type RowMeasurement } from '../../src/evaluate/measureMethod.ts';
import type { Method } from '../../src/evaluate/method.ts';
import { METRIC_NAMES, TASKS, type Task } from '../../src/evaluate/metrics.ts';
import { assignPhotographs, type Person } from '../../src/evaluate/people.ts';
import { measuringPlan } from '../../src/evaluate/recognizerJob.ts';
import type { EvaluationRow } from '../../src/evaluate/result.ts';
import { dreamMlp } from '../../src/evaluate/rivals/dreamMlp.ts';
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
async function measure(
  world: Partial<SyntheticOptions>,
  rows: readonly Method[],
  tasks: readonly Task[] = ['verification'],
  change: (people: Person[]) => Person[] = (people) => people,
) {
  const people = change(makePeople({ evaluated: 16, distractors: 24, seed: 5, ...world }));
  const { classes } = assignPhotographs(people, settings.enrol, settings.probes);
  const { plan, draws } = measuringPlan(classes, { ...settings, tasks });
  const measured: RowMeasurement[] = [];
  for (const method of rows) measured.push(await measureMethod(method, plan, draws));
  return { rows: compareRows(measured, draws, settings.seeds), pairs: measured[0]!.pairs };
}

function gain(rows: readonly { row: EvaluationRow }[], id: string) {
  return rows.find(({ row }) => row.id === id)!.row.metrics.ncm!.difference!;
}

test('where a turn is the same for everybody, the mean offset helps and is found to', async () => {
  const { rows } = await measure({}, [NONE, DUPLICATE, meanOffset(REAL_PAIRS), ORACLE]);
  assert.ok(gain(rows, 'mean-offset-real').low > 0);
  assert.ok(gain(rows, 'oracle').low > 0);
  assert.equal(gain(rows, 'duplicate').value, 0);
  assert.equal(rows[0]!.row.metrics.ncm!.difference, undefined);
  const [verdict] = verdictsOf(rows);
  assert.equal(verdict!.helps, 'yes');
  assert.match(verdict!.text, /helps/);
});

test('with names dealt out anew nothing helps, and everything is at the level of guessing', async () => {
  const { rows } = await measure({ shuffled: true }, [
    NONE,
    JITTER,
    meanOffset(REAL_PAIRS),
    ridgeMap(REAL_PAIRS),
  ]);
  for (const { row } of rows.slice(1)) {
    const { value, low, high } = row.metrics.ncm!.difference!;
    assert.ok(low <= 0 && high >= 0, `${row.id}: ${value} from ${low} to ${high}`);
    assert.ok(row.metrics.ncm!.value < 0.12);
    assert.ok(Math.abs(row.metrics.eer!.value - 0.5) < 0.1);
  }
});

test('where nobody turns alike only learning from the tested people looks like a gain', async () => {
  const { rows } = await measure({ shared: 0, evaluated: 24 }, [
    NONE,
    dreamMlp(REAL_PAIRS),
    dreamMlp(LEAKED_PAIRS),
  ]);
  assert.ok(gain(rows, 'dream-real').low <= 0);
  assert.ok(gain(rows, 'dream-leaked').low > 0);
  assert.ok(gain(rows, 'dream-leaked').value > gain(rows, 'dream-real').value + 0.05);
});

test('every row has every metric that the number of pairs allows, with its difference and interval', async () => {
  const { rows, pairs } = await measure({}, [NONE, meanOffset(REAL_PAIRS), ORACLE], TASKS);
  assert.deepEqual(pairs, { genuine: 16 * 4, impostor: 16 * 4 * 39 });
  for (const { row } of rows) {
    // 2,496 impostor pairs allow a rate of 1 %, not of 0.1 %.
    assert.ok(row.metrics.tar2 && !row.metrics.tar3, row.id);
    assert.equal(Object.keys(row.metrics).length, METRIC_NAMES.length - 2);
    for (const { value, low, high, difference } of Object.values(row.metrics)) {
      assert.ok(low <= high && value >= 0 && value <= 1, row.id);
      assert.equal(difference === undefined, row.id === 'none');
    }
    assert.equal(
      row.byYaw.reduce((sum, { probes }) => sum + probes, 0),
      16 * 4,
    );
  }
  const oracle = rows.find(({ row }) => row.id === 'oracle')!.row;
  assert.equal(oracle.oracleGapClosed!.value, 1);
  assert.equal(rows[0]!.row.oracleGapClosed!.value, 0);
});

test('a range of yaw with probes of fewer than five people is neither compared with none nor judged', async () => {
  /** The most turned photograph of so many people is turned further. */
  const turned = (count: number) => (people: Person[]) =>
    people.map((person, i) =>
      i >= count
        ? person
        : {
            ...person,
            photographs: person.photographs.map((one) => (one.yaw === 70 ? { ...one, yaw: 85 } : one)),
          },
    );
  for (const [people, judged] of [
    [4, false],
    [5, true],
  ] as const) {
    const { rows } = await measure({}, [NONE, meanOffset(REAL_PAIRS)], ['verification'], turned(people));
    const bin = rows[1]!.row.byYaw.at(-1)!;
    assert.deepEqual([bin.from, bin.subjects, bin.probes], [75, people, people]);
    assert.equal(bin.ncm.difference !== undefined, judged);
    const { helpsAt, hurtsAt, unclearAt } = verdictsOf(rows)[0]!;
    assert.equal([...helpsAt, ...hurtsAt, ...unclearAt].includes('75°+'), judged);
  }
});

test('the same seed gives the same table, bit by bit', async () => {
  const once = () => measure({}, [NONE, JITTER, ridgeMap(REAL_PAIRS)], TASKS);
  const [a, b] = [await once(), await once()];
  const numbers = ({ rows }: typeof a) => rows.map(({ row: { cost: _, ...rest } }) => rest);
  assert.deepEqual(numbers(a), numbers(b));
});
