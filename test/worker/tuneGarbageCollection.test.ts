/** What is done against collecting garbage, looked at from inside a thread as the model threads are. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { tuneGarbageCollection } from '../../src/worker/tuneGarbageCollection.ts';

const PYRAMID = new URL('../../src/worker/models/pyramid.js', import.meta.url).href;

/** The byte lengths of a freed picture, its levels, and one that shares its memory with something else. */
const THREAD = `
  import(${JSON.stringify(PYRAMID)}).then(({ freePicture, levelFor }) => {
    const pictureOf = (data) => ({ width: 600, height: 600, data });
    const own = pictureOf(new Uint8Array(600 * 600 * 3));
    const levels = [2, 4].map((step) => levelFor(own, step).level);
    const shared = pictureOf(new Uint8Array(new ArrayBuffer(600 * 600 * 3 + 1), 1));
    for (const picture of [own, shared]) freePicture(picture);
    const sizes = [own, ...levels, shared].map(({ data }) => data.byteLength);
    require('node:worker_threads').parentPort.postMessage(sizes);
  });
`;

test('a model thread gives back the memory of pictures and their levels at once, and no memory of others', async () => {
  tuneGarbageCollection();
  const thread = new Worker(THREAD, { eval: true });
  const [sizes] = (await once(thread, 'message')) as [number[]];
  await thread.terminate();
  assert.deepEqual(sizes, [0, 0, 0, 600 * 600 * 3]);
});
