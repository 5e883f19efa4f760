import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { openPictureMemory } from '../../../src/worker/models/pictureMemory.ts';
import { levelFor } from '../../../src/worker/models/pyramid.ts';
import { tuneGarbageCollection } from '../../../src/worker/threads/tuneGarbageCollection.ts';

const MODULE = new URL('../../../src/worker/models/pictureMemory.js', import.meta.url).href;

test('what is taken together does not overlap, within the capacity and beyond it, also after everything was given back', () => {
  fc.assert(
    fc.property(
      fc.nat(1_000),
      fc.array(fc.array(fc.nat(300), { maxLength: 10 }), { maxLength: 4 }),
      (capacity, rounds) => {
        const memory = openPictureMemory(capacity);
        for (const sizes of rounds) {
          const taken = sizes.map((size, i) => memory.take(size).fill(i));
          taken.forEach((bytes, i) => {
            assert.equal(bytes.length, sizes[i]);
            assert.ok(bytes.every((byte) => byte === i));
          });
          memory.clear();
        }
      },
    ),
  );
});

test('memory that was given back is used again, and what went beyond the capacity is new', () => {
  const memory = openPictureMemory(1_000);
  const first = memory.take(600);
  assert.notEqual(memory.take(600).buffer, first.buffer);
  memory.clear();
  assert.equal(memory.take(600).buffer, first.buffer);
});

test("a picture's levels lie where it does, and hold the same pixels as elsewhere", () => {
  const [width, height] = [601, 500];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * i) >> 3);
  const memory = openPictureMemory(2 * data.length);
  const kept = memory.take(data.length);
  kept.set(data);
  for (const step of [2, 4]) {
    const there = levelFor({ width, height, data: kept, memory }, step).level;
    const elsewhere = levelFor({ width, height, data }, step).level;
    assert.equal(there.data.buffer, kept.buffer);
    assert.deepEqual(there.data, elsewhere.data);
  }
});

/**
 * Where two pictures were moved to, and what is left of them, one with memory of its own, and of what went beyond the
 * capacity.
 */
const THREAD = `
  import(${JSON.stringify(MODULE)}).then(({ moveInto, openPictureMemory }) => {
    const memory = openPictureMemory(1_000);
    const own = new Uint8Array([1, 2, 3]);
    const shared = new Uint8Array(new ArrayBuffer(4), 1).fill(7);
    const moved = [own, shared].map((pixels) => [...moveInto(memory, pixels)]);
    const beyond = memory.take(2_000);
    memory.clear();
    const left = [own.length, shared.length, beyond.length];
    require('node:worker_threads').parentPort.postMessage({ moved, left });
  });
`;

test('in a model thread memory beyond the capacity, and that of pixels that were moved, goes at once, and no memory of others', async () => {
  tuneGarbageCollection();
  const thread = new Worker(THREAD, { eval: true });
  const [found] = await once(thread, 'message');
  await thread.terminate();
  assert.deepEqual(found, {
    moved: [
      [1, 2, 3],
      [7, 7, 7],
    ],
    left: [0, 3, 0],
  });
});
