import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { openBackend } from '../../src/fra/backend.ts';
import { parameterCount } from '../../src/fra/generators/generator.ts';
import type { VitConfig, VitKind } from '../../src/fra/generators/generatorConfig.ts';
import { openGenerator } from '../../src/fra/generators/generators.ts';
import { defaultVit } from '../../src/fra/generators/vit.ts';
import { gelu, layerNorm, linear, normalizeRows } from '../../src/fra/networks/tensorOps.ts';
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

/** Not at the zero-initialised head, where most gradients vanish. */
function disturbed(config: VitConfig, size: number): NamedWeights {
  const random = seededRandom(1);
  return new Map(
    Array.from(initialWeights(openGenerator(config).specs, 3), ([name, { shape, values }]) => [
      name,
      { shape, values: values.map((value) => value + size * randomNormal(random)) },
    ]),
  );
}

test('the network of the paper has the sizes of the paper', () => {
  // 2·1024 + (64+1)·256 + 18·256 + 4·(4·256 + 4·(256²) + 2·(256²) + 6·256) + 2·256 + 257·512
  const block = 4 * 256 + (256 + 1) * 768 + (256 + 1) * 256 + 2 * (256 + 1) * 256;
  assert.equal(
    parameterCount(openGenerator(defaultVit('vit-published', 512))),
    2 * 1024 + 65 * 256 + 18 * 256 + 4 * block + 2 * 256 + 257 * 512,
  );
});

for (const kind of ['vit', 'vit-prefix', 'vit-late'] as const) {
  test(`${kind}: the gradient is the slope that finite differences have, in random directions`, () => {
    const config = { ...defaultVit(kind, 24), embedDim: 8, depth: 2, numHeads: 2, mlpDim: 8 };
    const start = disturbed(config, 0.2);
    const identities = normalizeRows(normals(4, 24, 1));
    const postures = normalizeRows(normals(4, POSTURE_DIM, 2));
    const targets = normalizeRows(normals(4, 24, 3));
    const weights = trainableWeights(start);
    const loss = (of: Record<string, tf.Tensor>) =>
      nPairLoss(openGenerator(config).forward(of, identities, postures), targets, 4);
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
}

/** Whether token i may look at token j in a layer; 0 is CLS, 1–8 posture, 9–16 identity. */
const MASKS: Readonly<
  Record<Exclude<VitKind, 'vit-published'>, (i: number, j: number, last: boolean) => boolean>
> = {
  vit: () => true,
  'vit-prefix': (i, j) => i < 9 || j >= 9,
  'vit-late': (i, j, last) => (last && i === 0) || i < 9 === j < 9,
};

/** The definition, slowly: all 17 tokens through all layers, with forbidden scores at −∞. */
function byDefinition(
  config: VitConfig,
  weights: Record<string, tf.Tensor>,
  identity: tf.Tensor2D,
  posture: tf.Tensor2D,
) {
  const of = (name: string) => weights[name]!;
  const apply = (name: string, x: tf.Tensor2D) => linear(x, of(`${name}.weight`), of(`${name}.bias`));
  const norm = (name: string, x: tf.Tensor2D) => layerNorm(x, of(`${name}.gain`), of(`${name}.bias`));
  const { embedDim, numHeads, depth } = config;
  const size = embedDim / numHeads;
  const picture =
    config.kind === 'vit'
      ? norm('inputNorm', tf.concat2d([posture, identity], 1))
      : tf.concat2d([norm('inputNorm.posture', posture), norm('inputNorm.identity', identity)], 1);
  const image = picture.dataSync();
  const patches = Array.from({ length: 16 }, (_, patch) =>
    Array.from({ length: 64 }, (_pixel, i) => {
      const row = 8 * Math.floor(patch / 4) + Math.floor(i / 8);
      return image[32 * row + 8 * (patch % 4) + (i % 8)]!;
    }),
  );
  const tokens = tf.concat2d([tf.reshape(of('cls'), [1, embedDim]), apply('patch', tf.tensor2d(patches))], 0);
  let x = tf.add(tokens, tf.reshape(of('position'), [17, embedDim])) as tf.Tensor2D;
  for (let layer = 0; layer < depth; layer++) {
    const qkv = apply(`block.${layer}.qkv`, norm(`block.${layer}.norm1`, x));
    const allowed = MASKS[config.kind as keyof typeof MASKS];
    const mask = tf.tensor2d(
      Array.from({ length: 17 }, (_, i) =>
        Array.from({ length: 17 }, (_score, j) => (allowed(i, j, layer === depth - 1) ? 0 : -1e9)),
      ),
    );
    const mixed = Array.from({ length: numHeads }, (_, head) => {
      const [q, k, v] = [0, 1, 2].map((part) =>
        tf.slice(qkv, [0, part * embedDim + head * size], [17, size]),
      ) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
      const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(size));
      return tf.matMul(tf.softmax(tf.add(scores, mask)) as tf.Tensor2D, v) as tf.Tensor2D;
    });
    x = tf.add(x, apply(`block.${layer}.attention`, tf.concat2d(mixed, 1)));
    x = tf.add(
      x,
      apply(`block.${layer}.mlp2`, gelu(apply(`block.${layer}.mlp1`, norm(`block.${layer}.norm2`, x)))),
    );
  }
  const cls = tf.slice(x, [0, 0], [1, embedDim]);
  const read = norm('headNorm', cls);
  const kept = tf.mul(identity, tf.add(apply('gate', read), 1)) as tf.Tensor2D;
  return normalizeRows(tf.add(kept, apply('head', read)));
}

for (const kind of ['vit', 'vit-prefix', 'vit-late'] as const) {
  test(`${kind}: the forward pass is that of a masked Transformer over all 17 tokens`, () => {
    const config = { ...defaultVit(kind, 512), embedDim: 32, depth: 3, mlpDim: 16 };
    const weights = trainableWeights(disturbed(config, 0.1));
    const identity = normalizeRows(normals(1, 512, 4));
    const posture = normalizeRows(normals(1, POSTURE_DIM, 5));
    const expected = byDefinition(config, weights, identity, posture).dataSync();
    const found = openGenerator(config).forward(weights, identity, posture).dataSync();
    const worst = Math.max(...found.map((value, i) => Math.abs(value - expected[i]!)));
    assert.ok(worst < 1e-5, `largest difference ${worst}`);
    assert.ok(tf.norm(tf.sub(identity, tf.tensor(found, [1, 512]))).dataSync()[0]! > 0.1);
    disposeWeights(weights);
  });
}
