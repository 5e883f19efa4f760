import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReleasers } from '../../../src/shared/async/releasers.ts';

test('what was opened last is released first, once', async () => {
  const order: string[] = [];
  const releasers = createReleasers();
  releasers.push('store', () => void order.push('store'));
  releasers.push('redis', async () => void order.push('redis'));
  await releasers.release();
  await releasers.release();
  assert.deepEqual(order, ['redis', 'store']);
});

test('a failing release does not keep the others from being released', async () => {
  const order: string[] = [];
  const releasers = createReleasers();
  releasers.push('store', () => void order.push('store'));
  releasers.push('redis', () => {
    throw new Error('gone');
  });
  await assert.rejects(releasers.release(), /cannot release redis/);
  assert.deepEqual(order, ['store']);
});

test('what is kept is released in its turn, and an opening that fails leaves nothing', async () => {
  const order: string[] = [];
  const releasers = createReleasers();
  const closer = (name: string) => ({ close: () => void order.push(name) });
  const store = closer('store');
  assert.equal(await releasers.keep('store', Promise.resolve(store)), store);
  await assert.rejects(releasers.keep('network', Promise.reject(new Error('no network'))), /no network/);
  await releasers.keep('redis', Promise.resolve(closer('redis')));
  await releasers.release();
  assert.deepEqual(order, ['redis', 'store']);
});
