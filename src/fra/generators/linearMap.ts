/**
 * Closed-form generators. The answer is the identity plus a change that is linear in the identity and smooth in the
 * pose, scaled to unit length: change = Σ_f φ_f(pose)·(W_f·identity + b_f), φ the pose basis read off the posture code.
 *
 * - `mean-offset`: W = 0; everybody changes alike.
 * - `ridge`: W_f = a_f·1 + M_f by ridge regression; M of a common low rank where that loses nothing on validation
 *   people.
 */
import * as tf from '@tensorflow/tfjs-core';
import { POSTURE_DIM } from '../../shared/face.ts';
import { emitWeight as constant, emitUnitRows } from '../export/emitOps.ts';
import type { GraphBuilder, GraphInputs } from '../export/graphBuilder.ts';
import { matMul, normalizeRows } from '../networks/tensorOps.ts';
import { type NamedWeights, type WeightSpecs, type Weights, weight } from '../networks/weights.ts';
import type { Generator } from './generator.ts';
import type { LinearMapConfig } from './generatorConfig.ts';
import { basisSize, basisValues, emitBasisAt, hatShares, PROBE_SPECS, readPose } from './poseBasis.ts';

/** Weights: probe.*, offset (F,D); of a ridge scale (F,1), map.weight (D, F·R) and, when R < D, directions (R,D). */
function linearMapSpecs(config: LinearMapConfig): WeightSpecs {
  const { identityDim, basis } = config;
  const functions = basisSize(basis);
  const zeros = (...shape: number[]) => ({ shape, init: { constant: 0 } });
  const offset = { ...PROBE_SPECS, offset: zeros(functions, identityDim) };
  if (config.kind === 'mean-offset') return offset;
  const map = {
    ...offset,
    scale: zeros(functions, 1),
    'map.weight': zeros(identityDim, functions * config.rank),
  };
  return config.rank === identityDim ? map : { ...map, directions: zeros(config.rank, identityDim) };
}

export function linearMap(config: LinearMapConfig): Generator {
  const { identityDim: dim, basis } = config;
  const functions = basisSize(basis);
  const rank = config.kind === 'ridge' ? config.rank : 0;
  const lowRank = rank > 0 && rank < dim;

  return {
    identityDim: dim,
    specs: linearMapSpecs(config),
    multiplyAdds: {
      identity: functions * rank * dim,
      posture: POSTURE_DIM * 2,
      both: functions * (rank + dim) + (lowRank ? rank * dim : 0),
    },
    forward: (weights, identities, postures) => {
      const count = identities.shape[0];
      const values = basisValues(basis, readPose(weights, postures));
      const mixed = matMul(
        tf.reshape(values, [count, 1, functions]) as tf.Tensor3D,
        answers(weights, identities),
      );
      return normalizeRows(tf.reshape(mixed, [count, dim]));
    },
    emit: emitPairs,
  };

  /**
   * What the answer would be where one function alone is 1, before it is scaled: (N,F,D). As hats sum to 1, the identity
   * is in the row of every hat.
   */
  function answers(weights: Weights, identities: tf.Tensor2D): tf.Tensor3D {
    const count = identities.shape[0];
    const own = tf.reshape(identities, [count, 1, dim]);
    const offset = weight(weights, 'offset');
    const hats = tf.tensor2d(hatShares(basis), [functions, 1]);
    if (rank === 0) return tf.add(tf.mul(own, hats), offset);
    const mapped = matMul(identities, weight(weights, 'map.weight') as tf.Tensor2D);
    const moved = lowRank
      ? matMul(
          tf.reshape(mapped, [count * functions, rank]) as tf.Tensor2D,
          weight(weights, 'directions') as tf.Tensor2D,
        )
      : mapped;
    const kept = tf.mul(own, tf.add(hats, weight(weights, 'scale')));
    return tf.add(tf.add(kept, offset), tf.reshape(moved, [count, functions, dim]));
  }

  /** (N,F·R). */
  function emitMapped(graph: GraphBuilder, weights: NamedWeights, identity: string): string {
    return graph.node('MatMul', [identity, constant(graph, weights, 'map.weight')]);
  }

  /**
   * The answer for pairs. What is small a row is joined, so that one product onto a sum that is there already makes all
   * of the change: every pass over N×D values takes as long as a tenth of the products.
   */
  function emitPairs(graph: GraphBuilder, weights: NamedWeights, { identity, posture }: GraphInputs): string {
    const values = emitBasisAt(graph, basis, weights, posture);
    const offset = constant(graph, weights, 'offset');
    if (rank === 0) return emitUnitRows(graph, graph.node('Gemm', [values, offset, identity]));
    // Of one dimension: with a bias of none ONNX Runtime on WebGPU ends the process.
    const factor = graph.node('Gemm', [values, constant(graph, weights, 'scale'), graph.values([1], [1])]);
    const kept = graph.node('Mul', [identity, factor]);
    const mapped = graph.reshape(emitMapped(graph, weights, identity), [0, functions, rank]);
    const shared = graph.node('MatMul', [graph.reshape(values, [0, 1, functions]), mapped]);
    const mixed = graph.reshape(shared, [0, rank]);
    const moved = lowRank
      ? graph.node('Gemm', [
          graph.concat([values, mixed], 1),
          graph.concat([offset, constant(graph, weights, 'directions')], 0),
          kept,
        ])
      : graph.node('Add', [graph.node('Gemm', [values, offset, kept]), mixed]);
    return emitUnitRows(graph, moved);
  }
}
