/**
 * Closed-form generators. The answer is the identity plus a change that is linear in the identity and smooth in the
 * pose, scaled to unit length: change = Σ_f φ_f(pose)·(W_f·identity + b_f), φ the pose basis read off the posture code.
 *
 * - `mean-offset`: W = 0; everybody changes alike.
 * - `ridge`: W_f = a_f·1 + M_f by ridge regression; M of a common low rank where that loses nothing on validation people.
 */
import * as tf from '@tensorflow/tfjs-core';
import { POSTURE_DIM } from '../../shared/face.ts';
import { emitWeight as constant, emitLinear, emitUnitRows } from '../export/emitOps.ts';
import type { GraphBuilder } from '../export/graphBuilder.ts';
import { matMul, normalizeRows } from '../networks/tensorOps.ts';
import { type NamedWeights, type WeightSpecs, type Weights, weight } from '../networks/weights.ts';
import { type CachedForward, forwardInTwoSteps, type Generator } from './generator.ts';
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
  const { identityDim: dim, basis } = config;
  const functions = basisSize(basis);
  const rank = config.kind === 'ridge' ? config.rank : 0;
  const lowRank = rank > 0 && rank < dim;
  const combineMultiplyAdds = functions * (rank + dim) + (lowRank ? rank * dim : 0);

  /** Identity state: the identity, then its F·R mapped values. Posture state: basis values and, of a ridge, 1 + scale. */
  const cached: CachedForward = {
    identitySize: dim + functions * rank,
    postureSize: functions + (rank === 0 ? 0 : 1),
    multiplyAdds: combineMultiplyAdds,
    identityState: (weights, identities) =>
      rank === 0
        ? identities
        : tf.concat2d([identities, matMul(identities, weight(weights, 'map.weight') as tf.Tensor2D)], 1),
    postureState: (weights, postures) => {
      const values = basisValues(basis, readPose(weights, postures));
      if (rank === 0) return values;
      return tf.concat2d([values, tf.add(matMul(values, weight(weights, 'scale') as tf.Tensor2D), 1)], 1);
    },
    combine: (weights, identity, posture) => {
      const count = posture.shape[0];
      const own = tf.slice(identity, [0, 0], [count, dim]);
      const values = tf.slice(posture, [0, 0], [count, functions]);
      const offset = matMul(values, weight(weights, 'offset') as tf.Tensor2D);
      if (rank === 0) return normalizeRows(tf.add(own, offset));
      const factor = tf.slice(posture, [0, functions], [count, 1]);
      const moved = tf.add(tf.mul(own, factor), offset) as tf.Tensor2D;
      return normalizeRows(tf.add(moved, change(weights, identity, values)));
    },
    emitIdentityState: (graph, weights, identity) =>
      rank === 0 ? identity : graph.concat([identity, emitMapped(graph, weights, identity)], 1),
    emitPostureState: (graph, weights, posture) => {
      const { values, factor } = emitShown(graph, weights, posture);
      return factor === undefined ? values : graph.concat([values, factor], 1);
    },
    emitCombine: (graph, weights, identity, posture) => {
      if (rank === 0) return emitMoved(graph, weights, { own: identity, values: posture });
      return emitMoved(graph, weights, {
        own: graph.slice(identity, 1, 0, dim),
        mapped: graph.slice(identity, 1, dim, dim + functions * rank),
        values: graph.slice(posture, 1, 0, functions),
        factor: graph.slice(posture, 1, functions, functions + 1),
      });
    },
  };

  return {
    identityDim: dim,
    specs: linearMapSpecs(config),
    cached,
    multiplyAdds: combineMultiplyAdds + dim * functions * rank + POSTURE_DIM * 2,
    forward: forwardInTwoSteps(cached),
    // Without the states: to join and to part them again would cost a tenth of the time.
    emit: (graph, weights, { identity, posture }) =>
      emitMoved(graph, weights, {
        own: identity,
        ...(rank > 0 && { mapped: emitMapped(graph, weights, identity) }),
        ...emitShown(graph, weights, posture),
      }),
  };

  /** Σ_f φ_f·(identity·W_f): (N,D). */
  function change(weights: Weights, identity: tf.Tensor2D, values: tf.Tensor): tf.Tensor2D {
    const count = values.shape[0]!;
    const mapped = tf.reshape(tf.slice(identity, [0, dim], [count, functions * rank]), [
      count,
      functions,
      rank,
    ]) as tf.Tensor3D;
    const shares = tf.reshape(values, [count, 1, functions]) as tf.Tensor3D;
    const mixed = tf.reshape(matMul(shares, mapped), [count, rank]) as tf.Tensor2D;
    return lowRank ? matMul(mixed, weight(weights, 'directions') as tf.Tensor2D) : mixed;
  }

  function emitMapped(graph: GraphBuilder, weights: NamedWeights, identity: string): string {
    return graph.node('MatMul', [identity, constant(graph, weights, 'map.weight')]);
  }

  /** Basis values (N,F) of a posture and, of a ridge, the factor 1 + scale (N,1). */
  function emitShown(graph: GraphBuilder, weights: NamedWeights, posture: string) {
    const values = emitBasisAt(graph, basis, emitLinear(graph, weights, 'probe', posture));
    if (rank === 0) return { values };
    const scale = graph.node('MatMul', [values, constant(graph, weights, 'scale')]);
    return { values, factor: graph.node('Add', [scale, graph.scalar(1)]) };
  }

  /**
   * The answer. What is small a row is joined, so that one product onto a sum that is there already makes all of the change:
   * every pass over N×D values takes as long as a tenth of the products.
   */
  function emitMoved(graph: GraphBuilder, weights: NamedWeights, parts: EmittedParts): string {
    const { own, mapped, values, factor } = parts;
    const offset = constant(graph, weights, 'offset');
    if (mapped === undefined || factor === undefined) {
      return emitUnitRows(graph, graph.node('Gemm', [values, offset, own]));
    }
    const kept = graph.node('Mul', [own, factor]);
    const shares = graph.reshape(values, [0, 1, functions]);
    const shared = graph.node('MatMul', [shares, graph.reshape(mapped, [0, functions, rank])]);
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

/** Names of what the answer is made of; `own` and `mapped` (F·R values) of one row or of N. */
interface EmittedParts {
  readonly own: string;
  readonly mapped?: string;
  readonly values: string;
  readonly factor?: string;
}
