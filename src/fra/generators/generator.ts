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
  readonly multiplyAdds: MultiplyAdds;
}

/**
 * Multiply-adds of matrix products for one variant, by what they depend on: those of an identity or a posture alone are
 * computed once for all variants that share it (worker/models/bankCombiner.ts).
 */
export interface MultiplyAdds {
  readonly identity: number;
  readonly posture: number;
  readonly both: number;
}

/** Values of all weights. */
export function parameterCount({ specs }: Generator): number {
  return Object.values(specs).reduce(
    (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
    0,
  );
}

/** Multiply-adds of a variant that shares nothing. */
export function totalMultiplyAdds({ multiplyAdds: { identity, posture, both } }: Generator): number {
  return identity + posture + both;
}
