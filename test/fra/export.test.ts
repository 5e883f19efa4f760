import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { openBackend } from '../../src/fra/backend.ts';
import { exportDecoder, exportEncoder, readAutoencoder } from '../../src/fra/export/exportAutoencoder.ts';
import { autoencoderSpecs, decode, encode, PAPER_AUTOENCODER } from '../../src/fra/networks/autoencoder.ts';
import {
  disposeWeights,
  initialWeights,
  type NamedWeights,
  trainableWeights,
} from '../../src/fra/networks/weights.ts';
import { IntegrityError } from '../../src/shared/errors.ts';
import { CROP_SIZE, POSTURE_DIM } from '../../src/shared/face.ts';
import { randomNormal, seededRandom } from '../../src/shared/random.ts';

await openBackend('cpu', 1);
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
      const codes = encode(weights, PAPER_AUTOENCODER, input);
      const drawn = decode(weights, PAPER_AUTOENCODER, codes);
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

test('an autoencoder is read back from its two files as it was exported', () => {
  const named = initialWeights(autoencoderSpecs(PAPER_AUTOENCODER), 3);
  const files = [exportEncoder, exportDecoder].map((write) => write(named, PAPER_AUTOENCODER, {}));
  assert.deepEqual(readAutoencoder(files[0]!, files[1]!, PAPER_AUTOENCODER), named);
});

test('an autoencoder of another shape than its card says is refused by the name of the weight and of the file', () => {
  const files = [exportEncoder, exportDecoder].map((write) =>
    write(initialWeights(autoencoderSpecs(PAPER_AUTOENCODER), 3), PAPER_AUTOENCODER, {}),
  );
  const wider = { channels: [8, ...PAPER_AUTOENCODER.channels.slice(1)] };
  assert.throws(
    () => readAutoencoder(files[0]!, files[1]!, wider),
    (error) =>
      error instanceof IntegrityError &&
      /expected=8×1×3×3, found=4×1×3×3/.test(error.message) &&
      /path=encoder\.onnx, weight=encoder\.0\.weight/.test(error.message),
  );
});
