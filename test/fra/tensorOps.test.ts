import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { openBackend } from '../../src/fra/backend.ts';
import {
  composedConvolution,
  composedMaxPool2,
  convolve,
  differentiatesConvolutions,
  layerNorm,
  matMul,
  maxPool2,
  upsampleNearest,
} from '../../src/fra/networks/tensorOps.ts';
import { randomNormal, seededRandom } from '../../src/shared/random.ts';

const backend = await openBackend('cpu', 1);
let startMemory = 0;
before(() => {
  startMemory = tf.memory().numTensors;
});
after(() => {
  assert.equal(tf.memory().numTensors, startMemory, 'tensors leaked');
});

function normals(shape: number[], seed: number): tf.Tensor {
  const random = seededRandom(seed);
  const size = shape.reduce((product, dim) => product * dim, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => randomNormal(random)),
    shape,
  );
}

/** Gradient of Σ f(x)·w for each input, and the same by central differences at a few places. */
function checkGradient(inputs: tf.Tensor[], f: (...inputs: tf.Tensor[]) => tf.Tensor): void {
  tf.tidy(() => {
    const weights = normals(f(...inputs).shape, 99);
    const total = (...at: tf.Tensor[]) => tf.sum(tf.mul(f(...at), weights)) as tf.Scalar;
    const gradients = tf.grads((...at: tf.Tensor[]) => total(...at))(inputs);
    inputs.forEach((input, which) => {
      const gradient = gradients[which]!.dataSync();
      const values = input.dataSync();
      const random = seededRandom(which);
      for (let probe = 0; probe < 6; probe++) {
        const at = Math.floor(random() * values.length);
        const moved = (delta: number) => {
          const changed = Float32Array.from(values);
          changed[at]! += delta;
          const replaced = inputs.map((other, i) => (i === which ? tf.tensor(changed, input.shape) : other));
          return total(...replaced).dataSync()[0]!;
        };
        const difference = (moved(0.01) - moved(-0.01)) / 0.02;
        const error = Math.abs(gradient[at]! - difference);
        assert.ok(
          error <= 0.02 * Math.max(1, Math.abs(difference)),
          `input ${which} at ${at}: gradient ${gradient[at]}, difference ${difference}`,
        );
      }
    });
  });
}

const CASES = [
  { title: '3×3 with one pixel around', size: 6, kernel: 3, stride: 1, padding: 1 },
  { title: '3×3 without padding', size: 9, kernel: 3, stride: 1, padding: 0 },
  { title: '2×2 with stride 3', size: 8, kernel: 2, stride: 3, padding: 0 },
];

for (const { title, size, kernel, stride, padding } of CASES) {
  const inputs = () => [normals([2, size, size, 3], 1), normals([kernel, kernel, 3, 4], 2)];
  const composed = (...[x, weight]: tf.Tensor[]) =>
    composedConvolution(x as tf.Tensor4D, weight as tf.Tensor4D, stride, padding);

  test(`the composed gradient of a convolution (${title}) is that of finite differences`, () => {
    tf.tidy(() => {
      checkGradient(inputs(), composed);
    });
  });

  test(`the composed gradient of a convolution (${title}) is that of the backend's kernel`, (context) => {
    if (!differentiatesConvolutions()) {
      context.skip(`${backend.description} has no gradient kernel of the convolution`);
      return;
    }
    tf.tidy(() => {
      const gradients = (f: (...at: tf.Tensor[]) => tf.Tensor) =>
        tf.grads((...at: tf.Tensor[]) => tf.sum(tf.square(f(...at))))(inputs());
      const byKernel = gradients((...[x, weight]) =>
        tf.conv2d(x as tf.Tensor4D, weight as tf.Tensor4D, stride, padding === 0 ? 'valid' : 'same'),
      );
      gradients(composed).forEach((found, i) => {
        const error = tf.max(tf.abs(tf.sub(byKernel[i]!, found))).dataSync()[0]!;
        const scale = tf.max(tf.abs(byKernel[i]!)).dataSync()[0]!;
        assert.ok(error <= 1e-5 * Math.max(1, scale), `input ${i} differs by ${error} of ${scale}`);
      });
    });
  });
}

test('a convolution adds pixels around and the bias, and has the gradient that finite differences have', () => {
  tf.tidy(() => {
    for (const options of [{ padding: 1 }, { stride: 3, padding: 2 }]) {
      const kernel = options.padding === 1 ? 3 : 2;
      checkGradient(
        [normals([2, 4, 4, 3], 1), normals([kernel, kernel, 3, 4], 2), normals([4], 3)],
        (x, weight, bias) => convolve(x as tf.Tensor4D, weight!, bias!, options),
      );
    }
  });
});

test('pooling takes the maximum of every 2×2 square and sends the gradient there', () => {
  tf.tidy(() => {
    const x = normals([2, 7, 6, 3], 4) as tf.Tensor4D;
    const pooled = composedMaxPool2(x);
    assert.deepEqual(pooled.shape, [2, 3, 3, 3]);
    assert.ok(tf.max(tf.abs(tf.sub(pooled, tf.maxPool(x, 2, 2, 'valid')))).dataSync()[0]! === 0);
    checkGradient([x], (at) => composedMaxPool2(at as tf.Tensor4D));
    checkGradient([x], (at) => maxPool2(at as tf.Tensor4D));
  });
});

test('pixels of a square that are largest alike share its gradient', () => {
  tf.tidy(() => {
    const x = tf.tensor4d([5, 5, 1, 2], [1, 2, 2, 1]);
    const slope = tf.grad((at: tf.Tensor) => tf.sum(composedMaxPool2(at as tf.Tensor4D)))(x);
    assert.deepEqual([...slope.dataSync()], [0.5, 0.5, 0, 0]);
  });
});

test('enlarging repeats every pixel in both directions', () => {
  tf.tidy(() => {
    const x = normals([2, 3, 4, 2], 5) as tf.Tensor4D;
    const expected = tf.image.resizeNearestNeighbor(x, [9, 12]);
    assert.ok(tf.max(tf.abs(tf.sub(upsampleNearest(x, 3), expected))).dataSync()[0]! === 0);
    checkGradient([x], (at) => upsampleNearest(at as tf.Tensor4D, 2));
  });
});

test('products and layer normalisation have the gradient that finite differences have', () => {
  tf.tidy(() => {
    checkGradient([normals([3, 4], 1), normals([4, 5], 2)], (a, b) => matMul(a!, b!));
    checkGradient([normals([2, 3, 4], 1), normals([2, 4, 5], 2)], (a, b) => matMul(a!, b!));
    checkGradient([normals([3, 8], 1), normals([8], 2), normals([8], 3)], (x, gain, bias) =>
      layerNorm(x as tf.Tensor2D, gain!, bias!),
    );
  });
});
