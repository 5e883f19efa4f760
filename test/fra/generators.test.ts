import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { openBackend } from '../../src/fra/backend.ts';
import {
  exportCached,
  exportGenerator,
  readGeneratorWeights,
} from '../../src/fra/generators/exportGenerator.ts';
import type { GeneratorConfig, PlainGeneratorConfig } from '../../src/fra/generators/generatorConfig.ts';
import { generatorConfigSchema } from '../../src/fra/generators/generatorConfig.ts';
import { openGenerator } from '../../src/fra/generators/generators.ts';
import { defaultResidualMlp } from '../../src/fra/generators/residualMlp.ts';
import { defaultVit } from '../../src/fra/generators/vit.ts';
import {
  disposeWeights,
  initialWeights,
  type NamedWeights,
  trainableWeights,
} from '../../src/fra/networks/weights.ts';
import { POSTURE_DIM } from '../../src/shared/face.ts';
import { normalizeInPlace } from '../../src/shared/l2.ts';
import { randomNormal, seededRandom } from '../../src/shared/random.ts';

await openBackend('cpu', 1);

const basis = { knots: [-60, -30, 0, 30, 60], pitch: true };
const ridge: PlainGeneratorConfig = {
  kind: 'ridge',
  identityDim: 512,
  basis,
  rank: 512,
  lambda: 1,
  scaling: 1,
};
const KINDS: readonly [string, GeneratorConfig][] = [
  ['vit', defaultVit('vit', 512)],
  ['vit of another width', defaultVit('vit', 192)],
  ['vit without a gate', { ...defaultVit('vit', 512), identityGate: false }],
  ['vit-published', defaultVit('vit-published', 512)],
  ['vit-prefix', defaultVit('vit-prefix', 512)],
  ['vit-prefix of another width', defaultVit('vit-prefix', 192)],
  ['vit-late', defaultVit('vit-late', 512)],
  ['vit-late of one layer', { ...defaultVit('vit-late', 192), depth: 1 }],
  ['mean-offset', { kind: 'mean-offset', identityDim: 512, basis }],
  [
    'mean-offset without a pose',
    { kind: 'mean-offset', identityDim: 64, basis: { knots: [0], pitch: false } },
  ],
  ['ridge', ridge],
  ['ridge of low rank', { ...ridge, identityDim: 192, rank: 16 }],
  ['residual-mlp', defaultResidualMlp(512, basis.knots, 'readout')],
  ['residual-mlp that sees the code', defaultResidualMlp(192, basis.knots, 'code')],
  [
    'mixture',
    {
      kind: 'mixture',
      identityDim: 512,
      parts: [
        { share: 0.3, generator: ridge },
        { share: 0.2, generator: { kind: 'mean-offset', identityDim: 512, basis } },
        { share: 0.5, generator: defaultVit('vit', 512) },
      ],
    },
  ],
];

function normals(count: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, () => randomNormal(random));
}

/** Weights as after training: nothing is zero or one by construction, poses read off postures spread over the knots. */
function trained(config: GeneratorConfig): NamedWeights {
  const random = seededRandom(5);
  return new Map(
    Array.from(initialWeights(openGenerator(config).specs, 3), ([name, { shape, values }]) => {
      const size = /probe\.weight$/.test(name) ? 40 : 0.02;
      return [name, { shape, values: values.map((value) => value + size * randomNormal(random)) }];
    }),
  );
}

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

  const { cached } = openGenerator(config);
  if (cached === undefined) continue;
  test(`${name}: states of identity and posture, combined, equal the whole forward pass to 1e-5`, async () => {
    const generator = openGenerator(config);
    const named = trained(config);
    const weights = trainableWeights(named);
    const { postures } = questions(count, dim);
    // One person, several postures.
    const { identities } = questions(1, dim);
    const repeated = Float32Array.from({ length: count * dim }, (_, i) => identities[i % dim]!);
    const whole = await runOnnx(exportGenerator(generator, named, {}), {
      identity: [repeated, [count, dim]],
      posture: [postures, [count, POSTURE_DIM]],
    });
    const graphs = exportCached(cached, dim, named, {});
    const identityState = await runOnnx(graphs.identityState, { identity: [identities, [1, dim]] });
    const postureState = await runOnnx(graphs.postureState, { posture: [postures, [count, POSTURE_DIM]] });
    const found = await runOnnx(graphs.combine, {
      identity_state: [identityState, [1, cached.identitySize]],
      posture_state: [postureState, [count, cached.postureSize]],
    });
    assertClose(found, whole, 1e-5);
    const inSteps = tf.tidy(() => {
      const state = cached.identityState(weights, tf.tensor2d(repeated, [count, dim]));
      const other = cached.postureState(weights, tf.tensor2d(postures, [count, POSTURE_DIM]));
      return cached.combine(weights, state, other).dataSync() as Float32Array;
    });
    assertClose(inSteps, whole, 1e-5);
    disposeWeights(weights);
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
