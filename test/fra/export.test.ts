import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { openBackend } from '../../src/fra/backend.ts';
import { exportDecoder, exportEncoder } from '../../src/fra/export/exportAutoencoder.ts';
import { exportCombiner } from '../../src/fra/export/exportCombiner.ts';
import { autoencoderSpecs, decode, encode, PAPER_AUTOENCODER } from '../../src/fra/networks/autoencoder.ts';
import {
  type CombinerConfig,
  combine,
  combinerSpecs,
  defaultCombiner,
} from '../../src/fra/networks/combiner.ts';
import {
  disposeWeights,
  initialWeights,
  type NamedWeights,
  trainableWeights,
} from '../../src/fra/networks/weights.ts';
import { CROP_SIZE, POSTURE_DIM } from '../../src/shared/face.ts';
import { normalizeInPlace } from '../../src/shared/l2.ts';
import { randomNormal, seededRandom } from '../../src/shared/random.ts';

const backend = await openBackend('cpu', 1);
const TOLERANCE = 1e-4;

function normals(count: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, () => randomNormal(random));
}

/** Weights as after training: nothing is zero or one by construction. */
function disturbed(weights: NamedWeights): NamedWeights {
  const random = seededRandom(5);
  return new Map(
    Array.from(weights, ([name, { shape, values }]) => [
      name,
      { shape, values: values.map((value) => value + 0.01 * randomNormal(random)) },
    ]),
  );
}

async function runOnnx(
  model: Uint8Array,
  feeds: Record<string, Tensor>,
  output: string,
): Promise<Float32Array> {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  try {
    return (await session.run(feeds))[output]!.data as Float32Array;
  } finally {
    await session.release();
  }
}

function assertClose(found: Float32Array, expected: Float32Array, tolerance: number): void {
  assert.equal(found.length, expected.length);
  let worst = 0;
  for (let i = 0; i < found.length; i++) worst = Math.max(worst, Math.abs(found[i]! - expected[i]!));
  assert.ok(worst <= tolerance, `largest difference ${worst}`);
  const spread = Math.max(...expected.subarray(0, 5000)) - Math.min(...expected.subarray(0, 5000));
  assert.ok(spread > 100 * tolerance, `values hardly vary (${spread}): the comparison would show nothing`);
}

for (const count of [1, 3]) {
  test(`the exported encoder and decoder answer as the trained ones do, batch ${count}`, async () => {
    const named = disturbed(initialWeights(autoencoderSpecs(PAPER_AUTOENCODER), 3));
    const weights = trainableWeights(named);
    const images = normals(count * CROP_SIZE * CROP_SIZE, 1).map((value) => (value > 1 ? 1 : 0));
    const expected = tf.tidy(() => {
      const input = tf.tensor4d(images, [count, CROP_SIZE, CROP_SIZE, 1]);
      const codes = encode(weights, PAPER_AUTOENCODER, input, backend.form);
      const drawn = decode(weights, PAPER_AUTOENCODER, codes, backend.form);
      return { codes: codes.dataSync() as Float32Array, drawn: drawn.dataSync() as Float32Array };
    });
    const codes = await runOnnx(
      exportEncoder(named, PAPER_AUTOENCODER, {}),
      { landmark_image: new Tensor('float32', images, [count, 1, CROP_SIZE, CROP_SIZE]) },
      'posture',
    );
    assertClose(codes, expected.codes, TOLERANCE);
    const drawn = await runOnnx(
      exportDecoder(named, PAPER_AUTOENCODER, {}),
      { posture: new Tensor('float32', Float32Array.from(expected.codes), [count, POSTURE_DIM]) },
      'landmark_image',
    );
    assertClose(drawn, expected.drawn, TOLERANCE);
    disposeWeights(weights);
  });
}

const COMBINERS: readonly [string, CombinerConfig][] = [
  ['of the default form', defaultCombiner(512)],
  ['as published', { ...defaultCombiner(512), identityResidual: false, normalizeOutput: false }],
  ['with a projection', defaultCombiner(192)],
];

for (const [form, config] of COMBINERS) {
  test(`the exported combiner ${form} answers as the trained one does`, async () => {
    const count = 3;
    const named = disturbed(initialWeights(combinerSpecs(config), 4));
    const weights = trainableWeights(named);
    const identities = normals(count * config.identityDim, 1);
    for (let i = 0; i < count; i++) {
      normalizeInPlace(identities.subarray(i * config.identityDim, (i + 1) * config.identityDim));
    }
    const postures = normals(count * POSTURE_DIM, 2).map((value) => Math.abs(value) / 22);
    const expected = tf.tidy(
      () =>
        combine(
          weights,
          config,
          tf.tensor2d(identities, [count, config.identityDim]),
          tf.tensor2d(postures, [count, POSTURE_DIM]),
        ).dataSync() as Float32Array,
    );
    const found = await runOnnx(
      exportCombiner(named, config, {}),
      {
        identity: new Tensor('float32', identities, [count, config.identityDim]),
        posture: new Tensor('float32', postures, [count, POSTURE_DIM]),
      },
      'embedding',
    );
    assertClose(found, expected, TOLERANCE);
    disposeWeights(weights);
  });
}

test('a combiner that starts with an identity residual starts by changing nothing', async () => {
  const config = defaultCombiner(512);
  const named = initialWeights(combinerSpecs(config), 1);
  const identity = normals(512, 9);
  normalizeInPlace(identity);
  const found = await runOnnx(
    exportCombiner(named, config, {}),
    {
      identity: new Tensor('float32', identity, [1, 512]),
      posture: new Tensor('float32', normals(POSTURE_DIM, 2), [1, POSTURE_DIM]),
    },
    'embedding',
  );
  assertClose(found, identity, 1e-6);
});
