import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createInterruptibleWait } from '../../../src/shared/async/interruptibleWait.ts';

const LONG_MS = 600_000;
const { signal } = new AbortController();

test('a wait ends when it is interrupted, and one that begins after that ends at once', async () => {
  const pause = createInterruptibleWait();
  const waiting = pause.wait(LONG_MS, signal);
  await turn();
  pause.interrupt();
  assert.equal(await waiting, true);
  pause.interrupt();
  pause.interrupt();
  assert.equal(await pause.wait(LONG_MS, signal), true);
  assert.equal(await pause.wait(1, signal), false, 'an interruption ends one wait');
});

test('a wait that is called off rejects with the reason, before it begins and while it lasts', async () => {
  const pause = createInterruptibleWait();
  const calledOff = new AbortController();
  const waiting = pause.wait(LONG_MS, calledOff.signal);
  await turn();
  calledOff.abort(new Error('stopped'));
  await assert.rejects(waiting, /stopped/);
  await assert.rejects(pause.wait(LONG_MS, calledOff.signal), /stopped/);
});
