import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { trainCosineHead } from '../../src/evaluate/tasks/cosineHead.ts';
import { innerProducts } from '../../src/evaluate/tasks/innerProducts.ts';
import { nearest } from '../../src/evaluate/tasks/nearestMean.ts';
import { classifyBySvm, rbfKernel } from '../../src/evaluate/tasks/supportVectors.ts';
import { openBackend } from '../../src/fra/backend.ts';
import { dot, normalizeInPlace } from '../../src/shared/l2.ts';
import { randomNormal, seededRandom } from '../../src/shared/random.ts';

before(() => openBackend('cpu', 1));

/** `each` unit vectors around each of `classes` directions. */
function makeClusters(classes: number, each: number, noise: number, seed = 1) {
  const random = seededRandom(seed, 'clusters');
  const unit = (values: Float32Array) => {
    normalizeInPlace(values);
    return values;
  };
  const centres = Array.from({ length: classes }, () =>
    unit(Float32Array.from({ length: 16 }, () => randomNormal(random))),
  );
  return centres.flatMap((centre, label) =>
    Array.from({ length: each }, () => ({
      label,
      embedding: unit(centre.map((value) => value + noise * randomNormal(random))),
    })),
  );
}

test('inner products are those of every row with every row', () => {
  const [a, b] = [makeClusters(3, 2, 0.3), makeClusters(2, 2, 0.3, 2)].map((list) =>
    list.map(({ embedding }) => embedding),
  );
  const products = innerProducts(a!, b!);
  a!.forEach((x, i) => {
    b!.forEach((y, k) => {
      assert.ok(Math.abs(products[i * b!.length + k]! - dot(x, y)) < 1e-5);
    });
  });
});

test('the SVM with either kernel separates people who can be separated', async () => {
  const samples = makeClusters(6, 8, 0.1);
  const [training, tested] = [0, 1].map((half) => samples.filter((_, i) => i % 2 === half));
  const embeddings = training!.map(({ embedding }) => embedding);
  const labels = training!.map(({ label }) => label);
  const kernel = innerProducts(embeddings, embeddings);
  const test = innerProducts(
    tested!.map(({ embedding }) => embedding),
    embeddings,
  );
  const wanted = tested!.map(({ label }) => label);
  assert.deepEqual(await classifyBySvm({ kernel, labels, tested: test, cost: 1 }), wanted);
  const rbf = { kernel: rbfKernel(kernel, 2), tested: rbfKernel(test, 2) };
  assert.deepEqual(await classifyBySvm({ ...rbf, labels, cost: 10 }), wanted);
});

test('the linear SVM of two samples decides by the nearer one', async () => {
  const [a, b] = [Float32Array.of(1, 0), Float32Array.of(0, 1)];
  await fc.assert(
    fc.asyncProperty(fc.double({ min: 0.02, max: 1.55, noNaN: true }), async (angle) => {
      if (Math.abs(angle - Math.PI / 4) < 0.01) return;
      const probe = Float32Array.of(Math.cos(angle), Math.sin(angle));
      const [answer] = await classifyBySvm({
        kernel: innerProducts([a, b], [a, b]),
        labels: [0, 1],
        tested: innerProducts([probe], [a, b]),
        cost: 10,
      });
      assert.equal(answer, angle < Math.PI / 4 ? 0 : 1);
    }),
    { numRuns: 20 },
  );
});

test('the rbf kernel is 1 for equal vectors and falls with the squared distance', () => {
  const [same, far] = rbfKernel(Float64Array.of(1, -1), 0.5);
  assert.equal(same, 1);
  assert.ok(Math.abs(far! - Math.exp(-2)) < 1e-12);
});

test('the head starts at the class means and learns what they get wrong', () => {
  // Class 0 has one outlier that pulls its mean away from most of its members.
  const samples = makeClusters(4, 10, 0.35, 3);
  const embeddings = samples.map(({ embedding }) => embedding);
  const labels = samples.map(({ label }) => label);
  const head = trainCosineHead(embeddings, labels, 4);
  const right = embeddings.filter((embedding, i) => nearest(head, embedding) === labels[i]).length;
  assert.ok(right / embeddings.length >= 0.97, `${right} of ${embeddings.length}`);
  for (const vector of head) assert.ok(Math.abs(dot(vector, vector) - 1) < 1e-4);
  assert.deepEqual(trainCosineHead(embeddings, labels, 4), head);
});
