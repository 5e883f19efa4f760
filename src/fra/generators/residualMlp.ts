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
import type { Generator } from './generator.ts';
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
  const { identityDim, hidden, condition, basis } = config;
  const specs = residualMlpSpecs(config);
  return {
    identityDim,
    specs,
    multiplyAdds: {
      identity: identityDim * hidden,
      posture: specs['pose.weight']!.shape[0]! * hidden + 2 * POSTURE_DIM,
      both: hidden * identityDim,
    },
    forward: (weights, identities, postures) => {
      const poses = readPose(weights, postures);
      const yaw = tf.slice(poses, [0, 0], [poses.shape[0], 1]);
      const strength: tf.Tensor2D = tf.sigmoid(tf.sub(tf.mul(tf.abs(yaw), YAW_FACTOR), 1));
      const seen = condition === 'code' ? postures : basisValues(basis, poses);
      const sum: tf.Tensor2D = tf.add(
        linear(identities, weight(weights, 'hidden.weight'), weight(weights, 'hidden.bias')),
        matMul(seen, weight(weights, 'pose.weight') as tf.Tensor2D),
      );
      const change = linear(tf.relu(sum), weight(weights, 'out.weight'), weight(weights, 'out.bias'));
      return normalizeRows(tf.add(identities, tf.mul(strength, change)));
    },
    emit: (graph, weights, { identity, posture }) => {
      const poses = emitLinear(graph, weights, 'probe', posture);
      const turned = graph.node('Abs', [graph.slice(poses, 1, 0, 1)]);
      const strength = graph.node('Sigmoid', [
        graph.node('Sub', [graph.node('Mul', [turned, graph.scalar(YAW_FACTOR)]), graph.scalar(1)]),
      ]);
      const seen = condition === 'code' ? posture : emitBasisAt(graph, basis, weights, posture);
      const sum = graph.node('Add', [
        emitLinear(graph, weights, 'hidden', identity),
        graph.node('MatMul', [seen, emitWeight(graph, weights, 'pose.weight')]),
      ]);
      const change = emitLinear(graph, weights, 'out', graph.node('Relu', [sum]));
      return emitUnitRows(graph, graph.node('Add', [identity, graph.node('Mul', [strength, change])]));
    },
  };
}
