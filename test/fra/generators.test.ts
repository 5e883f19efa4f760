import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { openBackend } from '../../src/fra/backend.ts';
import { exportGenerator, readGeneratorWeights } from '../../src/fra/generators/exportGenerator.ts';
import { generatorConfigSchema } from '../../src/fra/generators/generatorConfig.ts';
import { openGenerator } from '../../src/fra/generators/generators.ts';
import { defaultVit } from '../../src/fra/generators/vit.ts';
import { disposeWeights, initialWeights, trainableWeights } from '../../src/fra/networks/weights.ts';
import { POSTURE_DIM } from '../../src/shared/face.ts';
import { normalizeInPlace } from '../../src/shared/l2.ts';
import { KINDS, normals, trained } from './generatorKinds.ts';

await openBackend('cpu', 1);

function questions(count: number, dim: number): { identities: Float32Array; postures: Float32Array } {
  const identities = normals(count * dim, 1);
  for (let i = 0; i < count; i++) normalizeInPlace(identities.subarray(i * dim, (i + 1) * dim));
  return { identities, postures: normals(count * POSTURE_DIM, 2).map((value) => Math.abs(value) / 22) };
}

async function runOnnx(
  model: Uint8Array,
  feeds: Record<string, readonly [Float32Array, number[]]>,
): Promise<Float32Array> {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  try {
    const tensors = Object.entries(feeds).map(([name, [data, dims]]) => [
      name,
      new Tensor('float32', data, dims),
    ]);
    const outputs = await session.run(Object.fromEntries(tensors) as Record<string, Tensor>);
    return outputs[session.outputNames[0]!]!.data as Float32Array;
  } finally {
    await session.release();
  }
}

function assertClose(found: Float32Array, expected: Float32Array, tolerance: number): void {
  assert.equal(found.length, expected.length);
  let worst = 0;
  for (let i = 0; i < found.length; i++) worst = Math.max(worst, Math.abs(found[i]! - expected[i]!));
  assert.ok(worst <= tolerance, `largest difference ${worst}`);
  const spread = Math.max(...expected) - Math.min(...expected);
  assert.ok(spread > 100 * tolerance, `values hardly vary (${spread}): the comparison would show nothing`);
}

for (const [name, config] of KINDS) {
  const { identityDim: dim } = config;
  const count = 3;

  test(`${name}: the exported graph answers as the generator does, and another posture changes the answer`, async () => {
    const generator = openGenerator(config);
    const named = trained(config);
    const weights = trainableWeights(named);
    const { identities, postures } = questions(count, dim);
    const forward = (of: Float32Array) =>
      tf.tidy(
        () =>
          generator
            .forward(weights, tf.tensor2d(identities, [count, dim]), tf.tensor2d(of, [count, POSTURE_DIM]))
            .dataSync() as Float32Array,
      );
    const expected = forward(postures);
    const graph = exportGenerator(generator, named, {});
    const ask = (of: Float32Array) =>
      runOnnx(graph, { identity: [identities, [count, dim]], posture: [of, [count, POSTURE_DIM]] });
    assertClose(await ask(postures), expected, 1e-4);
    const turned = forward(Float32Array.from(postures).reverse());
    const change = Math.max(...turned.map((value, i) => Math.abs(value - expected[i]!)));
    if ('basis' in config && config.basis.knots.length === 1) assert.ok(change < 1e-6);
    else assert.ok(change > 1e-3, `change ${change}`);
    disposeWeights(weights);
  });

  test(`${name}: weights are read back from the exported graph bit by bit`, () => {
    const generator = openGenerator(config);
    const named = trained(config);
    assert.deepEqual(readGeneratorWeights(exportGenerator(generator, named, {}), generator, 'x'), named);
  });

  test(`${name}: its configuration passes the schema of the card, and one with another key does not`, () => {
    assert.deepEqual(generatorConfigSchema.parse(config), config);
    assert.equal(generatorConfigSchema.safeParse({ ...config, colour: 'red' }).success, false);
  });
}

test('a generator with an identity residual starts by changing nothing', async () => {
  const config = defaultVit('vit', 512);
  const generator = openGenerator(config);
  const { identities, postures } = questions(1, 512);
  const graph = exportGenerator(generator, initialWeights(generator.specs, 1), {});
  const found = await runOnnx(graph, {
    identity: [identities, [1, 512]],
    posture: [postures, [1, POSTURE_DIM]],
  });
  assertClose(found, identities, 1e-6);
});

test('weights of another shape than the card describes are refused, and the weight is named', () => {
  const config = defaultVit('vit', 512);
  const other = { ...config, mlpDim: 128 };
  const graph = exportGenerator(openGenerator(config), trained(config), {});
  assert.throws(() => readGeneratorWeights(graph, openGenerator(other), 'x'), /mlp1/);
});
