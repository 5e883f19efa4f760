import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ensureModels } from '../../../src/models/pull.ts';
import { IntegrityError } from '../../../src/shared/errors.ts';
import { inBatches } from '../../../src/worker/models/inBatches.ts';
import type { NetworkRuntime } from '../../../src/worker/models/runtime.ts';
import { inRuns, NetworkSession, openSession } from '../../../src/worker/models/session.ts';
import { sharedFile } from '../../helpers/photographs.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

const cpu = { device: 'cpu', intraOpThreads: 1 } as const;

const ramp = (length: number) => Float32Array.from({ length }, (_, i) => ((i * 37) % 256) / 128 - 1);

const largestDifference = (a: Float32Array, b: Float32Array) =>
  a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);

test('a file that is no network is an integrity error that names the file', async () => {
  await withTempFolder(async (folder) => {
    const path = join(folder, 'broken.onnx');
    await writeFile(path, 'not a network');
    await assert.rejects(
      openSession(path, cpu),
      (error) => error instanceof IntegrityError && error.message.includes(path),
    );
  });
});

test('a batch gives what its items give alone', async () => {
  const [model] = await ensureModels(['fr-landmark']);
  const session = await openSession(model!.files.model!, cpu);
  const input = ramp(3 * 64 * 64);
  const together = (await session.run(input, [3, 1, 64, 64])).output!;
  assert.deepEqual(together.dims, [3, 136]);
  for (let i = 0; i < 3; i++) {
    const alone = await session.run(input.slice(i * 4096, (i + 1) * 4096), [1, 1, 64, 64]);
    assert.ok(largestDifference(alone.output!.data, together.data.slice(i * 136, (i + 1) * 136)) < 1e-5);
  }
  await session.close();
});

const fixed = sharedFile('models/mobilefacenet/foamliu_MobileFaceNet.onnx');

test('a graph with a fixed batch takes any number of items', { skip: fixed.skip }, async () => {
  const session = await openSession(fixed.path, cpu);
  const itemSize = 3 * 112 * 112;
  const input = ramp(3 * itemSize);
  const together = (await session.run(input, [3, 3, 112, 112])).output0!;
  assert.deepEqual(together.dims, [3, 128]);
  const last = await session.run(input.slice(2 * itemSize), [1, 3, 112, 112]);
  assert.ok(largestDifference(last.output0!.data, together.data.slice(256)) < 1e-5);
  assert.equal(session.fixedBatch, 1);
  await session.close();
});

test('a network with a fixed batch is asked for whole batches, and no other', async () => {
  const askedFor = async (fixed: { size: number } | undefined, items: number) => {
    const computed: number[] = [];
    const runtime: NetworkRuntime = {
      inputNames: ['x'],
      outputNames: ['y'],
      async run({ x }) {
        computed.push(x!.dims[0]!);
        return { y: x! };
      },
      close: async () => {},
    };
    const batched = fixed === undefined ? runtime : inBatches({ ...fixed, filled: true }, runtime);
    const session = new NetworkSession('network.onnx', batched, cpu);
    const given = Array.from({ length: items }, (_, i) => i);
    const answers = await inRuns(session, 5, given, async (part) => {
      const outputs = await session.run(Float32Array.from(part), [part.length, 1]);
      return [...outputs.y!.data];
    });
    assert.deepEqual(answers, given);
    return computed;
  };
  assert.deepEqual(await askedFor({ size: 16 }, 32), [16, 16]);
  assert.deepEqual(await askedFor({ size: 16 }, 33), [16, 16, 16]);
  assert.deepEqual(await askedFor({ size: 3 }, 9), [3, 3, 3]);
  assert.deepEqual(await askedFor(undefined, 12), [5, 5, 2]);
});

test('inputs are written into the same memory again, never into that of a run under way', async () => {
  const [model] = await ensureModels(['fr-landmark']);
  const session = await openSession(model!.files.model!, cpu);
  const dims = [1, 1, 64, 64];
  const first = ramp(4096);
  const second = first.map((value) => -value);
  const expected = (await session.run(first, dims)).output!.data;

  const lent = session.inputOf(4096);
  lent.set(first);
  const underWay = session.run(lent, dims);
  const other = session.inputOf(4096);
  other.set(second);
  const [one] = await Promise.all([underWay, session.run(other, dims)]);
  assert.deepEqual(one.output!.data, expected);

  assert.equal(session.inputOf(2048).buffer, lent.buffer);
  await session.close();
});
