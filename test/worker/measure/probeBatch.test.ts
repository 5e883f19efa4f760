import assert from 'node:assert/strict';
import { totalmem } from 'node:os';
import { test } from 'node:test';
import type { FaceInput, FaceOutcome } from '../../../src/shared/face.ts';
import { ownedBuffers } from '../../../src/shared/threads/ownedBuffers.ts';
import { formatProbe, probeBatch } from '../../../src/worker/measure/probeBatch.ts';

/** As a file is read: a Buffer, whose `slice` copies nothing. */
const photograph = Buffer.alloc(3);
/** Milliseconds that the models have taken. */
let now = 0;
const clock = () => now;
const unlimited = { memoryLimit: Number.POSITIVE_INFINITY, clock };

/** Models that take `msOf(batch)` for a batch. */
function models(msOf: (batch: number) => number) {
  const batches: number[] = [];
  return {
    threads: 1,
    batches,
    async processFaces(batch: readonly FaceInput[]): Promise<FaceOutcome[]> {
      batches.push(batch.length);
      // The bytes are handed over, as to a thread.
      const bytes = batch.map((input) => input.bytes);
      assert.ok(bytes.every((own) => own.length === 3));
      structuredClone(bytes, { transfer: ownedBuffers(bytes) });
      now += msOf(batch.length);
      return [];
    },
  };
}

test('batches grow as long as that makes faces faster', async () => {
  // Each start costs 40 ms, and from 32 faces on the device is full.
  const probed = models((batch) => (batch <= 32 ? 40 : (40 * batch) / 32));
  const { batch, rates, ended } = await probeBatch(probed, photograph, unlimited);
  assert.equal(batch, 32);
  assert.deepEqual(
    rates.map((rate) => rate.batch),
    [8, 16, 32, 64],
  );
  assert.equal(ended, 'larger batches are no faster');
  assert.deepEqual(probed.batches, [8, 8, 16, 16, 32, 32, 64, 64]);
});

test('a batch that the device cannot hold ends the search with the last one that it could', async () => {
  const probed = models((batch) => {
    if (batch > 16) throw new Error('out of memory');
    return 20;
  });
  const probe = await probeBatch(probed, photograph, unlimited);
  assert.equal(probe.batch, 16);
  assert.match(formatProbe(probe), /^batch 16 \(.*8: \d+\.\d, 16: \d+\.\d; 32 at a time: .*out of memory\)$/);
});

test('models that cannot hold even the smallest batch are an error', async () => {
  const probed = models(() => {
    throw new Error('out of memory');
  });
  await assert.rejects(probeBatch(probed, photograph, unlimited), /out of memory/);
});

test('the search ends where the memory limit is passed', async () => {
  const { rates, ended } = await probeBatch(
    models(() => 5),
    photograph,
    { memoryLimit: 1, clock },
  );
  assert.equal(rates.length, 1);
  assert.equal(ended, 'memory');
});

test('the limit is the memory of the machine where no container sets one', async (t) => {
  t.mock.method(process, 'constrainedMemory', () => 2 ** 64);
  t.mock.method(process.memoryUsage, 'rss', () => totalmem());
  const { ended } = await probeBatch(
    models(() => 5),
    photograph,
    { clock },
  );
  assert.equal(ended, 'memory');
});
