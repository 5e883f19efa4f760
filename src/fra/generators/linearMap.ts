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
import { emitWeight as constant, emitOverRoot, emitUnitRows } from '../export/emitOps.ts';
import type { GraphBuilder, GraphInputs } from '../export/graphBuilder.ts';
import { matMul, overRoot } from '../networks/tensorOps.ts';
import { type NamedWeights, type WeightSpecs, type Weights, weight } from '../networks/weights.ts';
import { type CachedForward, forwardInTwoSteps, type Generator } from './generator.ts';
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
  const mapMultiplyAdds = functions * rank * dim;
  const changeMultiplyAdds = functions * (rank + dim) + (lowRank ? rank * dim : 0);

  /**
   * What the answer is before it is scaled is φ·S, with S (F,D) of the person alone: the change of every function and,
   * as hats sum to 1, the identity in the row of every hat. Its squared length is φ·S·Sᵀ·φᵀ: φ is scaled before the
   * product, and nothing is done to the D values after it. Identity state: S, then S·Sᵀ. Posture state: φ.
   */
  const cached: CachedForward = {
    identitySize: functions * (dim + functions),
    postureSize: functions,
    multiplyAdds: functions * (dim + functions),
    identityState: (weights, identities) => {
      const count = identities.shape[0];
      const parts = answers(weights, identities);
      const products = tf.matMul(parts, tf.transpose(parts, [0, 2, 1]));
      return tf.concat2d(
        [tf.reshape(parts, [count, functions * dim]), tf.reshape(products, [count, functions ** 2])],
        1,
      );
    },
    postureState: (weights, postures) => basisValues(basis, readPose(weights, postures)),
    combine: (_weights, identity, posture) => {
      const count = posture.shape[0];
      const [parts, products] = tf.split(identity, [functions * dim, functions ** 2], 1);
      const values = tf.reshape(posture, [count, 1, functions]) as tf.Tensor3D;
      const terms = tf.mul(
        matMul(values, tf.reshape(products!, [count, functions, functions]) as tf.Tensor3D),
        values,
      );
      const scaled = overRoot(values, terms);
      return tf.reshape(matMul(scaled, tf.reshape(parts!, [count, functions, dim]) as tf.Tensor3D), [
        count,
        dim,
      ]);
    },
    emitIdentityState: (graph, weights, identity) => {
      const parts = emitAnswers(graph, weights, identity);
      const products = graph.node('MatMul', [parts, graph.transpose(parts, [0, 2, 1])]);
      return graph.concat(
        [graph.reshape(parts, [0, functions * dim]), graph.reshape(products, [0, functions ** 2])],
        1,
      );
    },
    emitPostureState: (graph, weights, posture) => emitBasisAt(graph, basis, weights, posture),
    emitCombine: (graph, _weights, identity, posture) => {
      const size = functions * dim;
      const parts = graph.reshape(graph.slice(identity, 1, 0, size), [functions, dim]);
      const products = graph.slice(identity, 1, size, size + functions ** 2);
      const weighed = graph.node('MatMul', [posture, graph.reshape(products, [functions, functions])]);
      const scaled = emitOverRoot(graph, posture, graph.node('Mul', [weighed, posture]));
      return graph.node('MatMul', [scaled, parts]);
    },
  };

  return {
    identityDim: dim,
    specs: linearMapSpecs(config),
    cached,
    multiplyAdds: mapMultiplyAdds + changeMultiplyAdds + POSTURE_DIM * 2,
    forward: forwardInTwoSteps(cached),
    // Without the states, which would be made for every pair anew.
    emit: emitPairs,
  };

  /** What the answer would be where one function alone is 1, before it is scaled: S, (N,F,D). */
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

  function emitAnswers(graph: GraphBuilder, weights: NamedWeights, identity: string): string {
    const own = graph.reshape(identity, [0, 1, dim]);
    const offset = constant(graph, weights, 'offset');
    const hats = graph.values([functions, 1], hatShares(basis));
    if (rank === 0) return graph.node('Add', [graph.node('Mul', [own, hats]), offset]);
    const mapped = graph.reshape(emitMapped(graph, weights, identity), [0, functions, rank]);
    const moved = lowRank ? graph.node('MatMul', [mapped, constant(graph, weights, 'directions')]) : mapped;
    const shares = graph.node('Add', [hats, constant(graph, weights, 'scale')]);
    const kept = graph.node('Mul', [own, shares]);
    return graph.node('Add', [graph.node('Add', [kept, offset]), moved]);
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
