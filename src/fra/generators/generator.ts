/**
 * A generator: (identity embedding, posture code) → the same person's embedding at that posture. One file a family in
 * this folder; `openGenerator` finds the family of a configuration. To add one: a schema and its kind in
 * generatorConfig.ts, a function that makes a `Generator` of it, a line in generators.ts, and its case in
 * training/makeGenerator.ts, where it is learnt or solved; cards, workers and evaluation then know it.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { GraphBuilder, GraphInputs } from '../export/graphBuilder.ts';
import type { Dropout } from '../networks/dropout.ts';
import type { NamedWeights, WeightSpecs, Weights } from '../networks/weights.ts';

export interface Generator {
  /** Dimension D of the recogniser's embeddings. */
  readonly identityDim: number;
  /** Names and shapes of the weights, and how those that are learnt by descent start. */
  readonly specs: WeightSpecs;
  /** identities (N,D) of unit length, postures (N,512) → embeddings (N,D). */
  readonly forward: (
    weights: Weights,
    identities: tf.Tensor2D,
    postures: tf.Tensor2D,
    dropout?: Dropout,
  ) => tf.Tensor2D;
  /** The same forward pass as nodes of an ONNX graph; answers with the name of the embedding (N,D). */
  readonly emit: (graph: GraphBuilder, weights: NamedWeights, inputs: GraphInputs) => string;
  /** Multiply-adds of matrix products for one variant. */
  readonly multiplyAdds: number;
  /** The forward pass in two steps, where the family has one. */
  readonly cached?: CachedForward;
}

/**
 * A forward pass cut where identity and posture first meet: what depends on one of them alone is computed once for each
 * identity and once for each posture, and only `combine` for every variant. Equal to `forward` up to rounding.
 */
export interface CachedForward {
  /** Values of one state row. */
  readonly identitySize: number;
  readonly postureSize: number;
  /** Multiply-adds of `combine` for one variant. */
  readonly multiplyAdds: number;
  /** identities (N,D) → states (N,identitySize). */
  readonly identityState: (weights: Weights, identities: tf.Tensor2D) => tf.Tensor2D;
  /** postures (N,512) → states (N,postureSize). */
  readonly postureState: (weights: Weights, postures: tf.Tensor2D) => tf.Tensor2D;
  /** Row i of both states → embeddings (N,D). */
  readonly combine: (weights: Weights, identity: tf.Tensor2D, posture: tf.Tensor2D) => tf.Tensor2D;
  readonly emitIdentityState: (graph: GraphBuilder, weights: NamedWeights, identity: string) => string;
  readonly emitPostureState: (graph: GraphBuilder, weights: NamedWeights, posture: string) => string;
  /** In the graph one identity state (1,…) may meet many posture states (N,…). */
  readonly emitCombine: (
    graph: GraphBuilder,
    weights: NamedWeights,
    identity: string,
    posture: string,
  ) => string;
}

/** The forward pass by its two steps. */
export function forwardInTwoSteps(cached: CachedForward): Generator['forward'] {
  return (weights, identities, postures) =>
    cached.combine(
      weights,
      cached.identityState(weights, identities),
      cached.postureState(weights, postures),
    );
}

/** Values of all weights. */
export function parameterCount({ specs }: Generator): number {
  return Object.values(specs).reduce(
    (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
    0,
  );
}
