/** Sizes, weights and layers of the Vision Transformer (networks/vit.ts), whoever attends to whom. */
import * as tf from '@tensorflow/tfjs-core';
import { POSTURE_DIM } from '../../shared/face.ts';
import type { Dropout } from './dropout.ts';
import { gelu, layerNorm, linear, matMul, normalizeRows } from './tensorOps.ts';
import { type WeightSpecs, type Weights, weight } from './weights.ts';

/** Values of the identity side of the picture. */
const IDENTITY_DIM = 512;
export const PATCH_SIZE = 8;
/** Patches of one row of the picture, and rows of patches of one side. */
export const GRID = 4;
const SIDE_ROWS = 2;
/** Tokens of the posture side, and of the identity side. */
export const SIDE_TOKENS = GRID * SIDE_ROWS;
/** CLS and the posture tokens. */
export const OWN_TOKENS = SIDE_TOKENS + 1;

/**
 * Who attends to whom.
 * - full: everybody to everybody, as in the paper.
 * - prefix: identity tokens to identity tokens only; CLS and posture tokens to everybody.
 * - late: each side to itself; in the last layer CLS to everybody.
 * In the last two each side has its own input norm, so that neither depends on the other.
 */
export type VitForm = 'full' | 'prefix' | 'late';

export interface VitSizes {
  readonly form: VitForm;
  /** Dimension D of the recogniser's embeddings. */
  readonly identityDim: number;
  readonly embedDim: number;
  /** Layers, at least 1. */
  readonly depth: number;
  readonly numHeads: number;
  readonly mlpDim: number;
  /** The answer is the identity plus the network's output, whose last layer starts at zero. */
  readonly identityResidual: boolean;
  /**
   * The network also answers by which factor the identity is scaled before that (it starts at 1): turning shrinks it.
   */
  readonly identityGate: boolean;
  /** The answer has unit length. */
  readonly normalizeOutput: boolean;
}

/** True when identities pass a learned projection to 512 values first. */
export function hasProjection({ identityDim }: VitSizes): boolean {
  return identityDim !== IDENTITY_DIM;
}

export function vitSpecs(sizes: VitSizes): WeightSpecs {
  const { identityDim, embedDim, mlpDim, form } = sizes;
  const specs: Record<string, WeightSpecs[string]> = {};
  const addLinear = (name: string, inputs: number, outputs: number, normal = Math.sqrt(1 / inputs)) => {
    specs[`${name}.weight`] = { shape: [inputs, outputs], init: normal === 0 ? { constant: 0 } : { normal } };
    specs[`${name}.bias`] = { shape: [outputs], init: { constant: 0 } };
  };
  const addNorm = (name: string, size: number) => {
    specs[`${name}.gain`] = { shape: [size], init: { constant: 1 } };
    specs[`${name}.bias`] = { shape: [size], init: { constant: 0 } };
  };
  if (hasProjection(sizes)) addLinear('projection', identityDim, IDENTITY_DIM);
  if (form === 'full') addNorm('inputNorm', POSTURE_DIM + IDENTITY_DIM);
  else {
    addNorm('inputNorm.posture', POSTURE_DIM);
    addNorm('inputNorm.identity', IDENTITY_DIM);
  }
  addLinear('patch', PATCH_SIZE * PATCH_SIZE, embedDim);
  specs.cls = { shape: [1, 1, embedDim], init: { normal: 0.02 } };
  specs.position = { shape: [1, OWN_TOKENS + SIDE_TOKENS, embedDim], init: { normal: 0.02 } };
  for (let i = 0; i < sizes.depth; i++) {
    addNorm(`block.${i}.norm1`, embedDim);
    addLinear(`block.${i}.qkv`, embedDim, 3 * embedDim);
    addLinear(`block.${i}.attention`, embedDim, embedDim);
    addNorm(`block.${i}.norm2`, embedDim);
    addLinear(`block.${i}.mlp1`, embedDim, mlpDim);
    addLinear(`block.${i}.mlp2`, mlpDim, embedDim);
  }
  addNorm('headNorm', embedDim);
  if (sizes.identityGate) addLinear('gate', embedDim, 1, 0);
  addLinear('head', embedDim, identityDim, sizes.identityResidual ? 0 : Math.sqrt(1 / embedDim));
  return specs;
}

/** Tokens of a batch: (N·T,E). */
export interface Tokens {
  readonly x: tf.Tensor2D;
  readonly length: number;
}

/** Queries (N·H,T,e), keys (N·H,e,T) and values (N·H,T,e) of tokens, e = E/H. */
export interface Heads {
  readonly query: tf.Tensor3D;
  readonly key: tf.Tensor3D;
  readonly value: tf.Tensor3D;
}

/** The layers of a network over batches of `count` rows. */
export function openLayers(weights: Weights, sizes: VitSizes, count: number, dropout: Dropout) {
  const { embedDim, numHeads } = sizes;
  const headDim = embedDim / numHeads;
  const apply = (name: string, x: tf.Tensor2D) =>
    linear(x, weight(weights, `${name}.weight`), weight(weights, `${name}.bias`));
  const norm = (name: string, x: tf.Tensor2D) =>
    layerNorm(x, weight(weights, `${name}.gain`), weight(weights, `${name}.bias`));

  return {
    apply,
    norm,
    /** A normalised half of the picture (N,512), or the whole (N,1024) → its patches as tokens with positions. */
    embed(picture: tf.Tensor2D, firstPosition: number): Tokens {
      const length = picture.shape[1] / PATCH_SIZE ** 2;
      const rows = length / GRID;
      const patches = tf.reshape(
        tf.transpose(tf.reshape(picture, [count * rows, PATCH_SIZE, GRID, PATCH_SIZE]), [0, 2, 1, 3]),
        [count * length, PATCH_SIZE * PATCH_SIZE],
      ) as tf.Tensor2D;
      const position = tf.slice(weight(weights, 'position'), [0, firstPosition, 0], [1, length, embedDim]);
      const placed = tf.add(tf.reshape(apply('patch', patches), [count, length, embedDim]), position);
      return { x: tf.reshape(dropout(placed), [count * length, embedDim]), length };
    },
    /** CLS with its position in front. */
    withCls({ x, length }: Tokens): Tokens {
      const position = tf.slice(weight(weights, 'position'), [0, 0, 0], [1, 1, embedDim]);
      const cls = tf.add(tf.zeros([count, 1, embedDim]), tf.add(weight(weights, 'cls'), position));
      const all = tf.concat([dropout(cls), tf.reshape(x, [count, length, embedDim])], 1);
      return { x: tf.reshape(all, [count * (length + 1), embedDim]), length: length + 1 };
    },
    /** Token 0 of every row. */
    first({ x, length }: Tokens): Tokens {
      const token = tf.slice(tf.reshape(x, [count, length, embedDim]), [0, 0, 0], [count, 1, embedDim]);
      return { x: tf.reshape(token, [count, embedDim]), length: 1 };
    },
    heads(layer: number, { x, length }: Tokens): Heads {
      const qkv = apply(`block.${layer}.qkv`, norm(`block.${layer}.norm1`, x));
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
      return {
        query: tf.reshape(part(0, [0, 2, 1, 3]), [count * numHeads, length, headDim]),
        key: tf.reshape(part(1, [0, 2, 3, 1]), [count * numHeads, headDim, length]),
        value: tf.reshape(part(2, [0, 2, 1, 3]), [count * numHeads, length, headDim]),
      };
    },
    /** The rest of a layer: tokens, their queries, and all that they attend to. */
    finish(layer: number, { x, length }: Tokens, query: tf.Tensor3D, seen: readonly Heads[]): Tokens {
      const keys = tf.concat(
        seen.map(({ key }) => key),
        2,
      ) as tf.Tensor3D;
      const values = tf.concat(
        seen.map(({ value }) => value),
        1,
      ) as tf.Tensor3D;
      const shares = tf.softmax(tf.mul(matMul(query, keys), 1 / Math.sqrt(headDim))) as tf.Tensor3D;
      const mixed = tf.transpose(
        tf.reshape(matMul(shares, values), [count, numHeads, length, headDim]),
        [0, 2, 1, 3],
      );
      const attended = tf.reshape(mixed, [count * length, embedDim]) as tf.Tensor2D;
      const after: tf.Tensor2D = tf.add(x, apply(`block.${layer}.attention`, attended));
      const hidden = dropout(gelu(apply(`block.${layer}.mlp1`, norm(`block.${layer}.norm2`, after))));
      return { x: tf.add(after, dropout(apply(`block.${layer}.mlp2`, hidden))), length };
    },
    /** Queries of token 0 alone. */
    firstQuery({ query }: Heads): tf.Tensor3D {
      return tf.slice(query, [0, 0, 0], [count * numHeads, 1, headDim]);
    },
    /** CLS after the last layer and the identity → embeddings (N,D). */
    answer(cls: tf.Tensor2D, identities: tf.Tensor2D): tf.Tensor2D {
      const read = norm('headNorm', cls);
      const change = apply('head', read);
      const kept: tf.Tensor2D = sizes.identityGate
        ? tf.mul(identities, tf.add(apply('gate', read), 1))
        : identities;
      const moved: tf.Tensor2D = sizes.identityResidual ? tf.add(kept, change) : change;
      return sizes.normalizeOutput ? normalizeRows(moved) : moved;
    },
    /** Projected, where the recogniser has another width than the picture. */
    identitySide: (identities: tf.Tensor2D) =>
      hasProjection(sizes) ? apply('projection', identities) : identities,
    flatten: (x: tf.Tensor) => tf.reshape(x, [count, x.size / count]) as tf.Tensor2D,
  };
}

/** Multiply-adds of matrix products for one variant, by whether they depend on its identity, its posture or both. */
export function vitMultiplyAdds(sizes: VitSizes): { identity: number; posture: number; both: number } {
  const { identityDim, embedDim: e, mlpDim, depth, form } = sizes;
  const total = OWN_TOKENS + SIDE_TOKENS;
  const heads = (tokens: number) => tokens * 3 * e * e;
  const rest = (tokens: number, seen: number) => tokens * (e * e + 2 * e * mlpDim + 2 * seen * e);
  const head = e * identityDim;
  const patches = (tokens: number) => tokens * PATCH_SIZE ** 2 * e;
  const projection = hasProjection(sizes) ? identityDim * IDENTITY_DIM : 0;
  if (form === 'full') {
    const layers = depth * heads(total) + (depth - 1) * rest(total, total) + rest(1, total);
    return { identity: projection, posture: 0, both: patches(2 * SIDE_TOKENS) + layers + head };
  }
  const side = (tokens: number) =>
    patches(SIDE_TOKENS) + depth * heads(tokens) + (depth - 1) * rest(tokens, tokens);
  const identity = projection + side(SIDE_TOKENS);
  // Scores between posture tokens are of the posture alone until they have seen the identity.
  if (form === 'late') {
    const scores = OWN_TOKENS * e;
    return { identity, posture: side(OWN_TOKENS) + scores, both: rest(1, total) + head - scores };
  }
  const scores = (depth === 1 ? 1 : OWN_TOKENS) * OWN_TOKENS * e;
  const layers = (depth - 1) * (heads(OWN_TOKENS) + rest(OWN_TOKENS, total)) + rest(1, total);
  const posture = patches(SIDE_TOKENS) + heads(OWN_TOKENS) + scores;
  return { identity, posture, both: layers + head - scores };
}
