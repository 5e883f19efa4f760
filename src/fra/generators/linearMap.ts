/**
 * Closed-form generators. The answer is the identity plus a change that is linear in the identity and smooth in the
 * pose, scaled to unit length: change = Σ_f φ_f(pose)·(W_f·identity + b_f), φ the pose basis read off the posture code.
 *
 * - `mean-offset`: W = 0; everybody changes alike.
 * - `ridge`: W_f = a_f·1 + M_f by ridge regression; M of a common low rank where that loses nothing on validation people.
 */
import * as tf from '@tensorflow/tfjs-core';
import { emitWeight as constant, emitLinear, emitUnitRows } from '../export/emitOps.ts';
import { matMul, normalizeRows } from '../networks/tensorOps.ts';
import { type WeightSpecs, type Weights, weight } from '../networks/weights.ts';
import type { CachedForward, Generator } from './generator.ts';
import type { LinearMapConfig } from './generatorConfig.ts';
import { basisSize, basisValues, emitBasisAt, PROBE_SPECS, readPose } from './poseBasis.ts';

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
  const { identityDim, basis } = config;
  const cached = cachedForward(config);
  const functions = basisSize(basis);
  const rank = config.kind === 'ridge' ? config.rank : 0;
  return {
    identityDim,
    specs: linearMapSpecs(config),
    cached,
    multiplyAdds: cached.multiplyAdds + identityDim * functions * rank + 512 * 2,
    forward: (weights, identities, postures) =>
      cached.combine(
        weights,
        cached.identityState(weights, identities),
        cached.postureState(weights, postures),
      ),
    emit: (graph, weights, { identity, posture }) =>
      cached.emitCombine(
        graph,
        weights,
        cached.emitIdentityState(graph, weights, identity),
        cached.emitPostureState(graph, weights, posture),
      ),
  };
}

/** Identity state: the identity, then its F·R mapped values. Posture state: basis values, offset, 1 + scale. */
function cachedForward(config: LinearMapConfig): CachedForward {
  const { identityDim: dim, basis } = config;
  const functions = basisSize(basis);
  const rank = config.kind === 'ridge' ? config.rank : 0;
  const lowRank = rank > 0 && rank < dim;
  return {
    identitySize: dim + functions * rank,
    postureSize: functions + dim + (rank === 0 ? 0 : 1),
    multiplyAdds: functions * rank + (lowRank ? rank * dim : 0),
    identityState: (weights, identities) =>
      rank === 0
        ? identities
        : tf.concat2d([identities, matMul(identities, weight(weights, 'map.weight') as tf.Tensor2D)], 1),
    postureState: (weights, postures) => {
      const values = basisValues(basis, readPose(weights, postures));
      const state = [values, matMul(values, weight(weights, 'offset') as tf.Tensor2D)];
      if (rank > 0) state.push(tf.add(matMul(values, weight(weights, 'scale') as tf.Tensor2D), 1));
      return tf.concat2d(state, 1);
    },
    combine: (weights, identity, posture) => {
      const count = posture.shape[0];
      const own = tf.slice(identity, [0, 0], [count, dim]);
      const offset = tf.slice(posture, [0, functions], [count, dim]);
      if (rank === 0) return normalizeRows(tf.add(own, offset));
      const factor = tf.slice(posture, [0, functions + dim], [count, 1]);
      const moved = tf.add(tf.mul(own, factor), offset) as tf.Tensor2D;
      return normalizeRows(tf.add(moved, change(weights, identity, posture)));
    },
    emitIdentityState: (graph, weights, identity) =>
      rank === 0
        ? identity
        : graph.concat(
            [identity, graph.node('MatMul', [identity, constant(graph, weights, 'map.weight')])],
            1,
          ),
    emitPostureState: (graph, weights, posture) => {
      const values = emitBasisAt(graph, basis, emitLinear(graph, weights, 'probe', posture));
      const state = [values, graph.node('MatMul', [values, constant(graph, weights, 'offset')])];
      if (rank > 0) {
        const scale = graph.node('MatMul', [values, constant(graph, weights, 'scale')]);
        state.push(graph.node('Add', [scale, graph.scalar(1)]));
      }
      return graph.concat(state, 1);
    },
    emitCombine: (graph, weights, identity, posture) => {
      const own = graph.slice(identity, 1, 0, dim);
      const offset = graph.slice(posture, 1, functions, functions + dim);
      if (rank === 0) return emitUnitRows(graph, graph.node('Add', [own, offset]));
      const factor = graph.slice(posture, 1, functions + dim, functions + dim + 1);
      const moved = graph.node('Add', [graph.node('Mul', [own, factor]), offset]);
      const mapped = graph.reshape(graph.slice(identity, 1, dim, dim + functions * rank), [
        0,
        functions,
        rank,
      ]);
      const shares = graph.reshape(graph.slice(posture, 1, 0, functions), [0, 1, functions]);
      const mixed = graph.reshape(graph.node('MatMul', [shares, mapped]), [0, rank]); // (N,R)
      const changed = lowRank ? graph.node('MatMul', [mixed, constant(graph, weights, 'directions')]) : mixed;
      return emitUnitRows(graph, graph.node('Add', [moved, changed]));
    },
  };

  /** Σ_f φ_f·(identity·W_f): (N,D). */
  function change(weights: Weights, identity: tf.Tensor2D, posture: tf.Tensor2D): tf.Tensor2D {
    const count = posture.shape[0];
    const mapped = tf.reshape(tf.slice(identity, [0, dim], [count, functions * rank]), [
      count,
      functions,
      rank,
    ]) as tf.Tensor3D;
    const shares = tf.reshape(tf.slice(posture, [0, 0], [count, functions]), [
      count,
      1,
      functions,
    ]) as tf.Tensor3D;
    const mixed = tf.reshape(matMul(shares, mapped), [count, rank]) as tf.Tensor2D;
    return lowRank ? matMul(mixed, weight(weights, 'directions') as tf.Tensor2D) : mixed;
  }
}
