import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createBell } from '../../src/shared/bell.ts';

const LONG_MS = 600_000;
const { signal } = new AbortController();

test('a wait ends when it rings, and one that begins after it rang ends at once', async () => {
  const bell = createBell();
  const waiting = bell.wait(LONG_MS, signal);
  await turn();
  bell.ring();
  assert.equal(await waiting, true);
  bell.ring();
  bell.ring();
  assert.equal(await bell.wait(LONG_MS, signal), true);
  assert.equal(await bell.wait(1, signal), false, 'it is heard once');
});

test('a wait that is called off rejects with the reason, before it begins and while it lasts', async () => {
  const bell = createBell();
  const calledOff = new AbortController();
  const waiting = bell.wait(LONG_MS, calledOff.signal);
  await turn();
  calledOff.abort(new Error('stopped'));
  await assert.rejects(waiting, /stopped/);
  await assert.rejects(bell.wait(LONG_MS, calledOff.signal), /stopped/);
});
