/**
 * A residual block in the manner of DREAM (Cao et al. 2018, arXiv 1803.00839): identity + c(yaw)·MLP(identity, pose),
 * scaled to unit length, with c = σ(4/π·|yaw| − 1), yaw in radians as read off the posture. The hidden layer also sees
 * the pose: the values of a pose basis, or the posture code itself.
 */
import * as tf from '@tensorflow/tfjs-core';
import { POSTURE_DIM } from '../../shared/face.ts';
import { emitLinear, emitUnitRows, emitWeight } from '../export/emitOps.ts';
import { linear, matMul, normalizeRows } from '../networks/tensorOps.ts';
import { type WeightSpecs, weight } from '../networks/weights.ts';
import { type CachedForward, forwardInTwoSteps, type Generator } from './generator.ts';
import type { ResidualMlpConfig } from './generatorConfig.ts';
import { basisSize, basisValues, emitBasisAt, PROBE_SPECS, readPose } from './poseBasis.ts';

/** Factor of |yaw| in degrees inside the sigmoid: 4/π per radian. */
const YAW_FACTOR = (4 / Math.PI) * (Math.PI / 180);

/** DREAM's two layers, as wide as the identity. */
export function defaultResidualMlp(
  identityDim: number,
  knots: readonly number[],
  condition: ResidualMlpConfig['condition'],
): ResidualMlpConfig {
  return {
    kind: 'residual-mlp',
    identityDim,
    hidden: identityDim,
    condition,
    basis: { knots: [...knots], pitch: true },
  };
}

function residualMlpSpecs({ identityDim, hidden, condition, basis }: ResidualMlpConfig): WeightSpecs {
  const seen = condition === 'code' ? POSTURE_DIM : basisSize(basis);
  return {
    ...PROBE_SPECS,
    'hidden.weight': { shape: [identityDim, hidden], init: { normal: Math.sqrt(2 / identityDim) } },
    'hidden.bias': { shape: [hidden], init: { constant: 0 } },
    'pose.weight': { shape: [seen, hidden], init: { normal: Math.sqrt(1 / seen) } },
    // The block starts by changing nothing.
    'out.weight': { shape: [hidden, identityDim], init: { constant: 0 } },
    'out.bias': { shape: [identityDim], init: { constant: 0 } },
  };
}

export function residualMlp(config: ResidualMlpConfig): Generator {
  const { identityDim, hidden } = config;
  const specs = residualMlpSpecs(config);
  const cached = cachedForward(config);
  return {
    identityDim,
    specs,
    cached,
    multiplyAdds:
      cached.multiplyAdds + identityDim * hidden + specs['pose.weight']!.shape[0]! * hidden + 2 * POSTURE_DIM,
    forward: forwardInTwoSteps(cached),
    emit: (graph, weights, { identity, posture }) =>
      cached.emitCombine(
        graph,
        weights,
        cached.emitIdentityState(graph, weights, identity),
        cached.emitPostureState(graph, weights, posture),
      ),
  };
}

/** Identity state: the identity, then its share of the hidden layer. Posture state: c, then the pose's share. */
function cachedForward({ identityDim: dim, hidden, condition, basis }: ResidualMlpConfig): CachedForward {
  return {
    identitySize: dim + hidden,
    postureSize: 1 + hidden,
    multiplyAdds: hidden * dim,
    identityState: (weights, identities) =>
      tf.concat2d(
        [identities, linear(identities, weight(weights, 'hidden.weight'), weight(weights, 'hidden.bias'))],
        1,
      ),
    postureState: (weights, postures) => {
      const poses = readPose(weights, postures);
      const yaw = tf.slice(poses, [0, 0], [poses.shape[0], 1]);
      const strength: tf.Tensor2D = tf.sigmoid(tf.sub(tf.mul(tf.abs(yaw), YAW_FACTOR), 1));
      const seen = condition === 'code' ? postures : basisValues(basis, poses);
      return tf.concat2d([strength, matMul(seen, weight(weights, 'pose.weight') as tf.Tensor2D)], 1);
    },
    combine: (weights, identity, posture) => {
      const count = posture.shape[0];
      const own = tf.slice(identity, [0, 0], [count, dim]);
      const strength = tf.slice(posture, [0, 0], [count, 1]);
      const sum = tf.add(
        tf.slice(identity, [0, dim], [count, hidden]),
        tf.slice(posture, [0, 1], [count, hidden]),
      ) as tf.Tensor2D;
      const change = linear(tf.relu(sum), weight(weights, 'out.weight'), weight(weights, 'out.bias'));
      return normalizeRows(tf.add(own, tf.mul(strength, change)));
    },
    emitIdentityState: (graph, weights, identity) =>
      graph.concat([identity, emitLinear(graph, weights, 'hidden', identity)], 1),
    emitPostureState: (graph, weights, posture) => {
      const poses = emitLinear(graph, weights, 'probe', posture);
      const turned = graph.node('Abs', [graph.slice(poses, 1, 0, 1)]);
      const strength = graph.node('Sigmoid', [
        graph.node('Sub', [graph.node('Mul', [turned, graph.scalar(YAW_FACTOR)]), graph.scalar(1)]),
      ]);
      const seen = condition === 'code' ? posture : emitBasisAt(graph, basis, weights, posture);
      return graph.concat(
        [strength, graph.node('MatMul', [seen, emitWeight(graph, weights, 'pose.weight')])],
        1,
      );
    },
    emitCombine: (graph, weights, identity, posture) => {
      const sum = graph.node('Add', [
        graph.slice(identity, 1, dim, dim + hidden),
        graph.slice(posture, 1, 1, 1 + hidden),
      ]);
      const change = emitLinear(graph, weights, 'out', graph.node('Relu', [sum]));
      const scaled = graph.node('Mul', [graph.slice(posture, 1, 0, 1), change]);
      return emitUnitRows(graph, graph.node('Add', [graph.slice(identity, 1, 0, dim), scaled]));
    },
  };
}
