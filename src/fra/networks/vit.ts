/**
 * The combiner of the paper (arXiv 2301.11986, section 3.3): a Vision Transformer that reads a posture code and an
 * identity embedding as one 32×32 picture and answers with the same person's embedding at that posture. With patches of
 * 8×8 read row by row, tokens 1–8 are pure posture and tokens 9–16 pure identity; token 0 is CLS, which is read out.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type Dropout, noDropout } from './dropout.ts';
import { type Heads, OWN_TOKENS, openLayers, SIDE_TOKENS, type Tokens, type VitSizes } from './vitLayers.ts';
import type { Weights } from './weights.ts';

/** Full form: identities (N,D) of unit length and posture codes (N,512) → embeddings (N,D). */
export function vitForward(
  weights: Weights,
  sizes: VitSizes,
  identities: tf.Tensor2D,
  postures: tf.Tensor2D,
  dropout: Dropout = noDropout,
): tf.Tensor2D {
  const layers = openLayers(weights, sizes, identities.shape[0], dropout);
  const picture = layers.norm('inputNorm', tf.concat2d([postures, layers.identitySide(identities)], 1)); // (N,1024)
  let tokens = layers.withCls(layers.embed(picture, 1));
  for (let i = 0; i < sizes.depth; i++) {
    const heads = layers.heads(i, tokens);
    // Nothing reads the other tokens of the last layer.
    const last = i === sizes.depth - 1;
    tokens = layers.finish(
      i,
      last ? layers.first(tokens) : tokens,
      last ? layers.firstQuery(heads) : heads.query,
      [heads],
    );
  }
  return layers.answer(tokens.x, identities);
}

/** Values of a state row; both forms keep the identity itself first. */
export function identityStateSize({ form, identityDim, embedDim, depth }: VitSizes): number {
  return identityDim + (form === 'prefix' ? depth : 1) * 2 * SIDE_TOKENS * embedDim;
}

export function postureStateSize({ form, embedDim }: VitSizes): number {
  // prefix: tokens, and their heads in the first layer. late: CLS, its query, and keys and values of all.
  return form === 'prefix' ? 4 * OWN_TOKENS * embedDim : 2 * embedDim + 2 * OWN_TOKENS * embedDim;
}

/**
 * What depends on the identity alone: itself, then keys and values of every layer (prefix) or of the last one (late).
 */
export function identityState(
  weights: Weights,
  sizes: VitSizes,
  identities: tf.Tensor2D,
  dropout: Dropout = noDropout,
): tf.Tensor2D {
  const layers = openLayers(weights, sizes, identities.shape[0], dropout);
  let tokens = layers.embed(layers.norm('inputNorm.identity', layers.identitySide(identities)), OWN_TOKENS);
  const state: tf.Tensor2D[] = [identities];
  for (let i = 0; i < sizes.depth; i++) {
    const heads = layers.heads(i, tokens);
    const last = i === sizes.depth - 1;
    if (sizes.form === 'prefix' || last) state.push(layers.flatten(heads.key), layers.flatten(heads.value));
    if (!last) tokens = layers.finish(i, tokens, heads.query, [heads]);
  }
  return tf.concat2d(state, 1);
}

/** What depends on the posture alone. */
export function postureState(
  weights: Weights,
  sizes: VitSizes,
  postures: tf.Tensor2D,
  dropout: Dropout = noDropout,
): tf.Tensor2D {
  const layers = openLayers(weights, sizes, postures.shape[0], dropout);
  let tokens = layers.withCls(layers.embed(layers.norm('inputNorm.posture', postures), 1));
  const { flatten } = layers;
  if (sizes.form === 'prefix') {
    const { query, key, value } = layers.heads(0, tokens);
    return tf.concat2d([tokens.x, query, key, value].map(flatten), 1);
  }
  for (let i = 0; i < sizes.depth - 1; i++) {
    const heads = layers.heads(i, tokens);
    tokens = layers.finish(i, tokens, heads.query, [heads]);
  }
  const heads = layers.heads(sizes.depth - 1, tokens);
  return tf.concat2d(
    [layers.first(tokens).x, layers.firstQuery(heads), heads.key, heads.value].map(flatten),
    1,
  );
}

/** Row i of both states → embeddings (N,D). */
export function combineStates(
  weights: Weights,
  sizes: VitSizes,
  identity: tf.Tensor2D,
  posture: tf.Tensor2D,
  dropout: Dropout = noDropout,
): tf.Tensor2D {
  const { identityDim, embedDim, depth, form } = sizes;
  const count = posture.shape[0];
  const layers = openLayers(weights, sizes, count, dropout);
  const fromIdentity = openParts(identity, identityDim);
  const identities = fromIdentity.own;
  const own = openParts(posture, 0);
  const seenOf = (read: ReturnType<typeof openParts>, length: number) => ({
    key: read.take(sizes, embedDim / sizes.numHeads, length),
    value: read.take(sizes, length, embedDim / sizes.numHeads),
  });
  if (form === 'late') {
    const cls: Tokens = { x: own.rows(embedDim), length: 1 };
    const query = own.take(sizes, 1, embedDim / sizes.numHeads);
    const postureHeads: Heads = { query, ...seenOf(own, OWN_TOKENS) };
    const identityHeads: Heads = { query, ...seenOf(fromIdentity, SIDE_TOKENS) };
    const read = layers.finish(depth - 1, cls, query, [identityHeads, postureHeads]);
    return layers.answer(read.x, identities);
  }
  let tokens: Tokens = {
    x: tf.reshape(own.rows(OWN_TOKENS * embedDim), [count * OWN_TOKENS, embedDim]),
    length: OWN_TOKENS,
  };
  const firstQuery = own.take(sizes, OWN_TOKENS, embedDim / sizes.numHeads);
  let heads: Heads = { query: firstQuery, ...seenOf(own, OWN_TOKENS) };
  for (let i = 0; i < depth; i++) {
    if (i > 0) heads = layers.heads(i, tokens);
    const identityHeads: Heads = { query: heads.query, ...seenOf(fromIdentity, SIDE_TOKENS) };
    const last = i === depth - 1;
    tokens = layers.finish(
      i,
      last ? layers.first(tokens) : tokens,
      last ? layers.firstQuery(heads) : heads.query,
      [identityHeads, heads],
    );
  }
  return layers.answer(tokens.x, identities);
}

/** Reads the parts of a state (N,S) one after the other; the first `ownSize` values are the identity itself. */
function openParts(state: tf.Tensor2D, ownSize: number) {
  const count = state.shape[0];
  let at = ownSize;
  const rows = (size: number): tf.Tensor2D => {
    const part = tf.slice(state, [0, at], [count, size]);
    at += size;
    return part;
  };
  return {
    own: tf.slice(state, [0, 0], [count, ownSize]),
    rows,
    take: ({ numHeads }: VitSizes, height: number, width: number): tf.Tensor3D =>
      tf.reshape(rows(numHeads * height * width), [count * numHeads, height, width]),
  };
}
