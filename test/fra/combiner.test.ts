import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { openBackend } from '../../src/fra/backend.ts';
import { defaultVit } from '../../src/fra/generators/vit.ts';
import { type CombinerConfig, combine, combinerSpecs } from '../../src/fra/networks/combiner.ts';
import { normalizeRows } from '../../src/fra/networks/tensorOps.ts';
import {
  disposeWeights,
  initialWeights,
  type NamedWeights,
  trainableWeights,
} from '../../src/fra/networks/weights.ts';
import { nPairLoss } from '../../src/fra/training/losses.ts';
import { POSTURE_DIM } from '../../src/shared/face.ts';
import { randomNormal, seededRandom } from '../../src/shared/random.ts';

await openBackend('cpu', 1);

function normals(rows: number, columns: number, seed: number): tf.Tensor2D {
  const random = seededRandom(seed);
  return tf.tensor2d(
    Float32Array.from({ length: rows * columns }, () => randomNormal(random)),
    [rows, columns],
  );
}

test('the network of the paper has the sizes of the paper', () => {
  const weights = initialWeights(combinerSpecs(defaultVit('vit', 512)), 0);
  const count = [...weights.values()].reduce((sum, { values }) => sum + values.length, 0);
  // 2·1024 + (64+1)·256 + 18·256 + 4·(4·256 + 4·(256²) + 2·(256²) + 6·256) + 2·256 + 257·512
  const block = 4 * 256 + (256 + 1) * 768 + (256 + 1) * 256 + 2 * (256 + 1) * 256;
  assert.equal(count, 2 * 1024 + 65 * 256 + 18 * 256 + 4 * block + 2 * 256 + 257 * 512);
});

test('the gradient of a whole combiner is the slope that finite differences have, in random directions', () => {
  const config: CombinerConfig = {
    ...defaultVit('vit', 24),
    ...{ embedDim: 8, depth: 2, numHeads: 2, mlpDim: 8 },
  };
  const random = seededRandom(1);
  // Not at the zero-initialised head, where most gradients vanish.
  const start: NamedWeights = new Map(
    Array.from(initialWeights(combinerSpecs(config), 3), ([name, { shape, values }]) => [
      name,
      { shape, values: values.map((value) => value + 0.2 * randomNormal(random)) },
    ]),
  );
  const identities = normalizeRows(normals(4, 24, 1));
  const postures = normalizeRows(normals(4, POSTURE_DIM, 2));
  const targets = normalizeRows(normals(4, 24, 3));
  const weights = trainableWeights(start);
  const loss = (of: Record<string, tf.Tensor>) =>
    nPairLoss(combine(of, config, identities, postures), targets, 4);
  const { grads } = tf.variableGrads(() => loss(weights), Object.values(weights));
  for (let direction = 0; direction < 5; direction++) {
    const chosen = seededRandom(direction, 'direction');
    let slope = 0;
    const steps = new Map<string, Float32Array>();
    for (const [name, { values }] of start) {
      const step = values.map(() => randomNormal(chosen));
      steps.set(name, step);
      const gradient = grads[weights[name]!.name]!.dataSync();
      step.forEach((value, i) => {
        slope += value * gradient[i]!;
      });
    }
    const moved = (amount: number) =>
      tf.tidy(() => {
        const at = Array.from(start, ([name, { shape, values }]) => [
          name,
          tf.tensor(
            values.map((value, i) => value + amount * steps.get(name)![i]!),
            [...shape],
          ),
        ]);
        return loss(Object.fromEntries(at) as Record<string, tf.Tensor>).dataSync()[0]!;
      });
    const difference = (moved(1e-3) - moved(-1e-3)) / 2e-3;
    assert.ok(
      Math.abs(slope - difference) <= 0.03 * Math.max(0.3, Math.abs(difference)),
      `direction ${direction}: gradient ${slope}, differences ${difference}`,
    );
  }
  disposeWeights(weights);
});

test('both the identity and the posture change the answer', () => {
  const config = { ...defaultVit('vit', 512), identityResidual: false };
  const weights = trainableWeights(initialWeights(combinerSpecs(config), 1));
  const answer = (identity: number, posture: number) =>
    combine(
      weights,
      config,
      normalizeRows(normals(1, 512, identity)),
      normalizeRows(normals(1, POSTURE_DIM, posture)),
    );
  const distance = (a: tf.Tensor, b: tf.Tensor) => tf.norm(tf.sub(a, b)).dataSync()[0]!;
  assert.ok(distance(answer(1, 1), answer(2, 1)) > 0.01);
  assert.ok(distance(answer(1, 1), answer(1, 2)) > 0.01);
  assert.ok(distance(answer(1, 1), answer(1, 1)) < 1e-6);
  disposeWeights(weights);
});
