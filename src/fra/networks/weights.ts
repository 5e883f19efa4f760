/** Weights of a network: named tensors, their shapes, and their seeded start. */
import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import { ConfigError } from '../../shared/errors.ts';
import { randomNormal, seededRandom } from '../../shared/random.ts';

/** Values of one tensor, row-major. */
export interface WeightValues {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** name → values, in a fixed order: what checkpoints and exports hold. */
export type NamedWeights = ReadonlyMap<string, WeightValues>;

/** name → tensor on the backend: what a forward pass reads. */
export type Weights = Readonly<Record<string, tf.Tensor>>;

/** name → variable on the backend: what training changes. */
export type TrainableWeights = Readonly<Record<string, tf.Variable>>;

/** How a tensor starts: normal with this standard deviation, or constant. */
export interface WeightSpec {
  readonly shape: readonly number[];
  readonly init: { readonly normal: number } | { readonly constant: number };
}

export type WeightSpecs = Readonly<Record<string, WeightSpec>>;

/** Seeded start values; each tensor has its own random stream, so that adding one changes no other. */
export function initialWeights(specs: WeightSpecs, seed: number): NamedWeights {
  const weights = new Map<string, WeightValues>();
  for (const [name, { shape, init }] of Object.entries(specs)) {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
    if ('constant' in init) values.fill(init.constant);
    else {
      const random = seededRandom(seed, 'weights', name);
      for (let i = 0; i < values.length; i++) values[i] = init.normal * randomNormal(random);
    }
    weights.set(name, { shape, values });
  }
  return weights;
}

/** sha256 over names, shapes and values. */
export function weightsDigest(weights: NamedWeights): string {
  const hash = createHash('sha256');
  for (const [name, { shape, values }] of weights) {
    hash.update(JSON.stringify([name, shape]));
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}

/** Puts weights on the backend as variables. Dispose them with `disposeWeights`. */
export function trainableWeights(weights: NamedWeights): TrainableWeights {
  return Object.fromEntries(
    Array.from(weights, ([name, { shape, values }]) => {
      const start = tf.tensor(values, [...shape]);
      const variable = tf.variable(start);
      start.dispose();
      return [name, variable];
    }),
  );
}

export function disposeWeights(weights: Weights): void {
  for (const tensor of Object.values(weights)) tensor.dispose();
}

/** Copies values off the backend. */
export function readWeights(weights: Weights): NamedWeights {
  return new Map(
    Object.entries(weights).map(([name, tensor]) => [
      name,
      { shape: tensor.shape, values: Float32Array.from(tensor.dataSync()) },
    ]),
  );
}

/** The tensor of that name; its absence is a network and a weight file that do not belong together. */
export function weight(weights: Weights, name: string): tf.Tensor {
  const tensor = weights[name];
  if (tensor === undefined)
    throw new ConfigError('missing-weight', 'expected a weight, found none', { name });
  return tensor;
}
