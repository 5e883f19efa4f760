import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openOnDemand } from '../../../src/shared/async/openOnDemand.ts';

test('what is needed is opened once, and anew only after an opening has failed', async () => {
  let opened = 0;
  let closed = 0;
  const pool = { close: async () => void closed++ };
  const lazy = openOnDemand(async () => {
    if (++opened === 1) throw new Error('no memory for a thread');
    return pool;
  });
  await assert.rejects(lazy.get(), /no memory/);
  assert.deepEqual(await Promise.all([lazy.get(), lazy.get()]), [pool, pool]);
  await lazy.close();
  assert.deepEqual([opened, closed], [2, 1]);
});

test('nothing is opened to be closed, and an opening that fails meanwhile is no failure of closing', async () => {
  await openOnDemand(() => assert.fail('opened')).close();
  const lazy = openOnDemand(async () => assert.fail('cannot be opened'));
  const asked = assert.rejects(lazy.get(), /cannot be opened/);
  await lazy.close();
  await asked;
});
