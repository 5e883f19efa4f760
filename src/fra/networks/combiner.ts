/**
 * The combiner of the paper (arXiv 2301.11986, section 3.3): a Vision Transformer that reads a posture code and an
 * identity embedding as one 32×32 picture and answers with the same person's embedding at that posture.
 * With patches of 8×8 read row by row, tokens 1–8 are pure posture and tokens 9–16 pure identity.
 */
import * as tf from '@tensorflow/tfjs-core';
import { POSTURE_DIM } from '../../shared/face.ts';
import type { Dropout } from './autoencoder.ts';
import { noDropout } from './autoencoder.ts';
import { gelu, layerNorm, linear, matMul, normalizeRows } from './tensorOps.ts';
import { type WeightSpecs, type Weights, weight } from './weights.ts';

/** Values of the identity side of the picture. */
export const IDENTITY_DIM = 512;
const SIDE = 32;
const PATCH_SIZE = 8;
const GRID = SIDE / PATCH_SIZE;
/** Tokens without CLS. */
export const PATCHES = GRID * GRID;

export interface CombinerConfig {
  /** Dimension D of the recogniser's embeddings. */
  readonly identityDim: number;
  readonly embedDim: number;
  readonly depth: number;
  readonly numHeads: number;
  readonly mlpDim: number;
  /** The answer is the identity plus the network's output, whose last layer starts at zero. Published: false. */
  readonly identityResidual: boolean;
  /** The answer has unit length. Published: false. */
  readonly normalizeOutput: boolean;
}

/** True when identities pass a learned projection to 512 values first. */
export function hasProjection(config: CombinerConfig): boolean {
  return config.identityDim !== IDENTITY_DIM;
}

export function combinerSpecs(config: CombinerConfig): WeightSpecs {
  const { identityDim, embedDim, mlpDim } = config;
  const specs: Record<string, WeightSpecs[string]> = {};
  const addLinear = (name: string, inputs: number, outputs: number, normal = Math.sqrt(1 / inputs)) => {
    specs[`${name}.weight`] = { shape: [inputs, outputs], init: normal === 0 ? { constant: 0 } : { normal } };
    specs[`${name}.bias`] = { shape: [outputs], init: { constant: 0 } };
  };
  const addNorm = (name: string, size: number) => {
    specs[`${name}.gain`] = { shape: [size], init: { constant: 1 } };
    specs[`${name}.bias`] = { shape: [size], init: { constant: 0 } };
  };
  if (hasProjection(config)) addLinear('projection', identityDim, IDENTITY_DIM);
  addNorm('inputNorm', POSTURE_DIM + IDENTITY_DIM);
  addLinear('patch', PATCH_SIZE * PATCH_SIZE, embedDim);
  specs.cls = { shape: [1, 1, embedDim], init: { normal: 0.02 } };
  specs.position = { shape: [1, PATCHES + 1, embedDim], init: { normal: 0.02 } };
  for (let i = 0; i < config.depth; i++) {
    addNorm(`block.${i}.norm1`, embedDim);
    addLinear(`block.${i}.qkv`, embedDim, 3 * embedDim);
    addLinear(`block.${i}.attention`, embedDim, embedDim);
    addNorm(`block.${i}.norm2`, embedDim);
    addLinear(`block.${i}.mlp1`, embedDim, mlpDim);
    addLinear(`block.${i}.mlp2`, mlpDim, embedDim);
  }
  addNorm('headNorm', embedDim);
  addLinear('head', embedDim, identityDim, config.identityResidual ? 0 : Math.sqrt(1 / embedDim));
  return specs;
}

/** Multiply-adds of matrix products for one variant. */
export function combinerMultiplyAdds(config: CombinerConfig): number {
  const { identityDim, embedDim, mlpDim, depth } = config;
  const length = PATCHES + 1;
  const token = 4 * embedDim ** 2 + 2 * embedDim * mlpDim + 2 * length * embedDim;
  const projection = hasProjection(config) ? identityDim * IDENTITY_DIM : 0;
  return projection + PATCHES * PATCH_SIZE ** 2 * embedDim + depth * length * token + embedDim * identityDim;
}

/** identities (N,D) of unit length and posture codes (N,512) → embeddings (N,D). */
export function combine(
  weights: Weights,
  config: CombinerConfig,
  identities: tf.Tensor2D,
  postures: tf.Tensor2D,
  dropout: Dropout = noDropout,
): tf.Tensor2D {
  const count = identities.shape[0];
  const { embedDim } = config;
  const apply = (name: string, x: tf.Tensor2D) =>
    linear(x, weight(weights, `${name}.weight`), weight(weights, `${name}.bias`));
  const norm = (name: string, x: tf.Tensor2D) =>
    layerNorm(x, weight(weights, `${name}.gain`), weight(weights, `${name}.bias`));

  const identity = hasProjection(config) ? apply('projection', identities) : identities;
  const picture = norm('inputNorm', tf.concat2d([postures, identity], 1)); // (N,1024)
  const patches = tf.reshape(
    tf.transpose(tf.reshape(picture, [count * GRID, PATCH_SIZE, GRID, PATCH_SIZE]), [0, 2, 1, 3]),
    [count * PATCHES, PATCH_SIZE * PATCH_SIZE],
  ) as tf.Tensor2D;
  const tokens = tf.reshape(apply('patch', patches), [count, PATCHES, embedDim]);
  const cls = tf.add(tf.zeros([count, 1, embedDim]), weight(weights, 'cls'));
  const length = PATCHES + 1;
  let x = tf.reshape(dropout(tf.add(tf.concat([cls, tokens], 1), weight(weights, 'position'))), [
    count * length,
    embedDim,
  ]) as tf.Tensor2D; // (N·T,E)
  for (let i = 0; i < config.depth; i++) {
    const attended = attend(apply(`block.${i}.qkv`, norm(`block.${i}.norm1`, x)), count, length, config);
    x = tf.add(x, apply(`block.${i}.attention`, attended));
    const hidden = dropout(gelu(apply(`block.${i}.mlp1`, norm(`block.${i}.norm2`, x))));
    x = tf.add(x, dropout(apply(`block.${i}.mlp2`, hidden)));
  }
  const read = tf.reshape(
    tf.slice(tf.reshape(x, [count, length, embedDim]), [0, 0, 0], [count, 1, embedDim]),
    [count, embedDim],
  ) as tf.Tensor2D; // CLS of every row (N,E)
  const change = apply('head', norm('headNorm', read));
  const answer: tf.Tensor2D = config.identityResidual ? tf.add(identities, change) : change;
  return config.normalizeOutput ? normalizeRows(answer) : answer;
}

/** Multi-head attention: qkv (N·T,3E), query, key and value side by side → (N·T,E). */
function attend(qkv: tf.Tensor2D, count: number, length: number, config: CombinerConfig): tf.Tensor2D {
  const { embedDim, numHeads } = config;
  const headDim = embedDim / numHeads;
  const part = (index: number, order: number[]) =>
    tf.transpose(
      tf.reshape(tf.slice(qkv, [0, index * embedDim], [count * length, embedDim]), [
        count,
        length,
        numHeads,
        headDim,
      ]),
      order,
    );
  const query = tf.reshape(part(0, [0, 2, 1, 3]), [count * numHeads, length, headDim]) as tf.Tensor3D;
  const key = tf.reshape(part(1, [0, 2, 3, 1]), [count * numHeads, headDim, length]) as tf.Tensor3D;
  const value = tf.reshape(part(2, [0, 2, 1, 3]), [count * numHeads, length, headDim]) as tf.Tensor3D;
  const scores = tf.softmax(tf.mul(matMul(query, key), 1 / Math.sqrt(headDim))); // (N·H,T,T)
  const mixed = tf.reshape(matMul(scores, value), [count, numHeads, length, headDim]);
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [count * length, embedDim]);
}
