import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fraRowIds, type OpenedFra } from '../../src/evaluate/generators/fraMethods.ts';
import { generatorId } from '../../src/evaluate/generators/generatorId.ts';
import { allMethods } from '../../src/evaluate/methods.ts';
import type { ViewTable } from '../../src/evaluate/rivals/pictureViews.ts';

const VIEWS: ViewTable = { mirrored: new Map(), renders: new Map(), rendersPerSecond: null };
const OTHERS = allMethods(VIEWS, undefined, []).map(({ id }) => id);

/** Ids of models of these names, in their order. */
function idsOf(names: readonly string[]): string[] {
  const taken = new Set(OTHERS);
  return names.map((name) => {
    const id = generatorId(name, taken, fraRowIds);
    for (const row of fraRowIds(id)) taken.add(row);
    return id;
  });
}

function openedFra(id: string): OpenedFra {
  const card = { training: { subjects: 1, data: 'made up' } };
  const bank = { codes: new Float32Array(), ids: [], yaw: new Float32Array(), pitch: new Float32Array() };
  return { id, model: { card, bank } } as unknown as OpenedFra;
}

test('a model named like a row of the table, or like another numbered, gets an id that no row has', () => {
  assert.deepEqual(idsOf(['none', 'oracle', 'mine']), ['none-2', 'oracle-2', 'mine']);
  assert.deepEqual(idsOf(['x', 'x', 'x-2']), ['x', 'x-2', 'x-2-2']);
  assert.deepEqual(idsOf(['x', 'x-posture-random']), ['x', 'x-posture-random-2']);
  const ids = idsOf([...OTHERS, 'x', 'x', 'x-2']);
  assert.equal(new Set([...OTHERS, ...ids.flatMap(fraRowIds)]).size, OTHERS.length + 3 * ids.length);
});

test('a table with two rows of one id is no table', () => {
  assert.doesNotThrow(() => allMethods(VIEWS, undefined, [openedFra('mine')]));
  assert.throws(() => allMethods(VIEWS, undefined, [openedFra('jitter')]), /found jitter twice/);
});
