import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inBatches } from '../../../src/worker/models/inBatches.ts';
import type { NetworkRuntime, NetworkTensor, NetworkTensors } from '../../../src/worker/models/runtime.ts';

/** Adds its two inputs, and says which batches it was shown; a value of `refused` fails its run. */
function adder({ refused = Number.NaN, folded = false } = {}) {
  const batches: (readonly (readonly number[])[])[] = [];
  const runtime: NetworkRuntime = {
    inputNames: ['a', 'b'],
    outputNames: ['sum', 'twice'],
    async run({ a, b }) {
      batches.push([a!.dims, b!.dims]);
      // The batch may be written into again when the next event comes.
      const sum = a!.data.map((value, i) => value + b!.data[i]!);
      await new Promise((resolve) => setImmediate(resolve));
      if (sum.includes(refused)) throw new Error('refused');
      const twice = Float32Array.from(sum, (value) => 2 * value);
      const [count = 0, width = 0] = a!.dims;
      return {
        sum: { data: sum, dims: a!.dims },
        twice: { data: twice, dims: folded ? [count * width] : [count, width] },
      };
    },
    close: async () => {},
  };
  return { batches, runtime };
}

function request(count: number, width: number, first: number): NetworkTensors {
  const data = Float32Array.from({ length: count * width }, (_, i) => first + i);
  const dims = [count, width];
  return { a: { data, dims }, b: { data: data.map((value) => 1000 * value), dims } };
}

function checkAnswer(asked: NetworkTensors, answer: NetworkTensors): void {
  const expected = asked.a!.data.map((value, i) => value + asked.b!.data[i]!);
  const check = ({ data, dims }: NetworkTensor, factor: number) => {
    assert.deepEqual(
      data,
      expected.map((value) => factor * value),
    );
    assert.deepEqual(dims, asked.a!.dims);
  };
  check(answer.sum!, 1);
  check(answer.twice!, 2);
}

test('every request gets the answers of its own items, in as few runs as can be, of one size where that is wanted', async () => {
  const requests = fc.array(
    fc.record({ count: fc.integer({ min: 1, max: 9 }), width: fc.constantFrom(2, 3) }),
    {
      minLength: 1,
      maxLength: 12,
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 8 }), requests, fc.boolean(), async (size, asked, filled) => {
      const { batches, runtime } = adder({ folded: filled });
      const network = inBatches({ size, filled }, runtime);
      const inputs = asked.map(({ count, width }, i) => request(count, width, 100 * i));
      const answers = await Promise.all(inputs.map((input) => network.run(input)));
      inputs.forEach((input, i) => {
        checkAnswer(input, answers[i]!);
      });
      assert.ok(batches.flat().every(([batch]) => (filled ? batch === size : batch! <= size)));
      const items = (of: readonly { count: number; width: number }[], width: number) =>
        of.reduce((sum, one) => sum + (one.width === width ? one.count : 0), 0);
      // The first run starts with the first request alone; what comes meanwhile is gathered.
      const [first, ...later] = asked;
      const most = (width: number) =>
        Math.ceil(items([first!], width) / size) + Math.ceil(items(later, width) / size) + 1;
      assert.ok(batches.length <= most(2) + most(3));
    }),
    { numRuns: 200 },
  );
});

test('what is asked while a run is under way shares the next one', async () => {
  const { batches, runtime } = adder();
  const network = inBatches({ size: 8, filled: true }, runtime);
  const inputs = [2, 3, 3, 2].map((count, i) => request(count, 1, 10 * i));
  await Promise.all(inputs.map((input) => network.run(input)));
  // 2 at once, then 3 + 3 + 2.
  assert.equal(batches.length, 2);
});

test('a run that fails fails the requests in it, and no other', async () => {
  const { runtime } = adder({ refused: 1001 });
  const network = inBatches({ size: 2, filled: true }, runtime);
  const refused = request(5, 1, 0);
  const fine = [request(2, 1, 10), request(1, 1, 20)];
  const [first, ...others] = await Promise.allSettled([refused, ...fine].map((input) => network.run(input)));
  assert.equal(first!.status, 'rejected');
  others.forEach((other, i) => {
    assert.ok(other.status === 'fulfilled');
    checkAnswer(fine[i]!, other.value);
  });
  checkAnswer(fine[0]!, await network.run(fine[0]!));
});
