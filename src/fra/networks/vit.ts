/**
 * The combiner of the paper (arXiv 2301.11986, section 3.3): a Vision Transformer that reads a posture code and an
 * identity embedding as one 32×32 picture and answers with the same person's embedding at that posture. With patches of
 * 8×8 read row by row, tokens 1–8 are pure posture and tokens 9–16 pure identity; token 0 is CLS, which is read out.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type Dropout, noDropout } from './dropout.ts';
import { type Heads, OWN_TOKENS, openLayers, type Tokens, type VitSizes } from './vitLayers.ts';
import type { Weights } from './weights.ts';

/** identities (N,D) of unit length and posture codes (N,512) → embeddings (N,D). */
export function vitForward(
  weights: Weights,
  sizes: VitSizes,
  identities: tf.Tensor2D,
  postures: tf.Tensor2D,
  dropout: Dropout = noDropout,
): tf.Tensor2D {
  const layers = openLayers(weights, sizes, identities.shape[0], dropout);
  const cls =
    sizes.form === 'full'
      ? readTogether(sizes, layers, identities, postures)
      : readApart(sizes, layers, identities, postures);
  return layers.answer(cls.x, identities);
}

type Layers = ReturnType<typeof openLayers>;

/** CLS after the last layer, everybody having attended to everybody. */
function readTogether(
  { depth }: VitSizes,
  layers: Layers,
  identities: tf.Tensor2D,
  postures: tf.Tensor2D,
): Tokens {
  const picture = layers.norm('inputNorm', tf.concat2d([postures, layers.identitySide(identities)], 1)); // (N,1024)
  let tokens = layers.withCls(layers.embed(picture, 1));
  for (let i = 0; i < depth; i++) {
    const heads = layers.heads(i, tokens);
    tokens = finish(layers, i, i === depth - 1, tokens, heads, [heads]);
  }
  return tokens;
}

/**
 * CLS after the last layer, identity tokens having attended to each other alone: CLS and posture tokens attend to them
 * in every layer (prefix) or in the last one (late). What is computed of an identity serves every posture, and the other
 * way round (worker/models/bankCombiner.ts).
 */
function readApart(
  { depth, form }: VitSizes,
  layers: Layers,
  identities: tf.Tensor2D,
  postures: tf.Tensor2D,
): Tokens {
  const normal = layers.norm('inputNorm.identity', layers.identitySide(identities));
  let identity = layers.embed(normal, OWN_TOKENS);
  const identityHeads: Heads[] = [];
  for (let i = 0; i < depth; i++) {
    const heads = layers.heads(i, identity);
    identityHeads.push(heads);
    if (i < depth - 1) identity = layers.finish(i, identity, heads.query, [heads]);
  }
  let own = layers.withCls(layers.embed(layers.norm('inputNorm.posture', postures), 1));
  for (let i = 0; i < depth; i++) {
    const isLast = i === depth - 1;
    const heads = layers.heads(i, own);
    const seen = form === 'prefix' || isLast ? [identityHeads[i]!, heads] : [heads];
    own = finish(layers, i, isLast, own, heads, seen);
  }
  return own;
}

/** The rest of a layer; of the last one for CLS alone: nothing reads its other tokens. */
function finish(
  layers: Layers,
  layer: number,
  isLast: boolean,
  tokens: Tokens,
  heads: Heads,
  seen: readonly Heads[],
): Tokens {
  return isLast
    ? layers.finish(layer, layers.first(tokens), layers.firstQuery(heads), seen)
    : layers.finish(layer, tokens, heads.query, seen);
}
