/**
 * What pose a posture code shows, and functions of it that sum to a smooth change over the poses: a linear read-out
 * code → (yaw, pitch) in degrees, then a hat function over every yaw knot (linear between knots, constant outside
 * them, their sum is 1) and, with pitch, one ramp for looking up and one for looking down.
 */
import * as tf from '@tensorflow/tfjs-core';
import { POSTURE_DIM } from '../../shared/face.ts';
import type { GraphBuilder } from '../export/graphBuilder.ts';
import { linear, matMul } from '../networks/tensorOps.ts';
import { type WeightSpecs, type Weights, weight } from '../networks/weights.ts';
import type { PoseBasis } from './generatorConfig.ts';

/** Degrees of pitch at which a ramp reaches 1, and the value it never exceeds. */
export const PITCH_UNIT = 20;
export const PITCH_LIMIT = 1.5;

/** Functions in the basis. */
export function basisSize({ knots, pitch }: PoseBasis): number {
  return knots.length + (pitch ? 2 : 0);
}

export const PROBE_SPECS: WeightSpecs = {
  'probe.weight': { shape: [POSTURE_DIM, 2], init: { constant: 0 } },
  'probe.bias': { shape: [2], init: { constant: 0 } },
};

/** Values of the basis at a pose in degrees, one a function. */
export function basisAt({ knots, pitch: withPitch }: PoseBasis, yaw: number, pitch: number): number[] {
  const ramps = knots.slice(1).map((knot, i) => clamp((yaw - knots[i]!) / (knot - knots[i]!), 0, 1));
  const hats = knots.map((_, k) => (ramps[k - 1] ?? 1) - (ramps[k] ?? 0));
  if (!withPitch) return hats;
  return [...hats, ...[pitch, -pitch].map((angle) => clamp(angle / PITCH_UNIT, 0, PITCH_LIMIT))];
}

/** postures (N,512) → (yaw, pitch) in degrees (N,2). */
export function readPose(weights: Weights, postures: tf.Tensor2D): tf.Tensor2D {
  return linear(postures, weight(weights, 'probe.weight'), weight(weights, 'probe.bias'));
}

/** poses (N,2) in degrees → basis values (N,F). */
export function basisValues(basis: PoseBasis, poses: tf.Tensor2D): tf.Tensor2D {
  const count = poses.shape[0];
  const { from, width, spread, first } = rampConstants(basis);
  const yaw = tf.slice(poses, [0, 0], [count, 1]);
  const pitch = tf.slice(poses, [0, 1], [count, 1]);
  const hats =
    from.length === 0
      ? tf.ones([count, 1])
      : tf.add(
          matMul(
            tf.clipByValue(tf.div(tf.sub(yaw, tf.tensor1d(from)), tf.tensor1d(width)), 0, 1) as tf.Tensor2D,
            tf.tensor2d(spread, [from.length, first.length]),
          ),
          tf.tensor1d(first),
        );
  if (!basis.pitch) return hats as tf.Tensor2D;
  const ramp = (unit: number) => tf.clipByValue(tf.div(pitch, unit), 0, PITCH_LIMIT);
  return tf.concat([hats, ramp(PITCH_UNIT), ramp(-PITCH_UNIT)], 1) as tf.Tensor2D;
}

/** poses (N,2) → basis values (N,F), as nodes. */
export function emitBasisAt(graph: GraphBuilder, basis: PoseBasis, poses: string): string {
  const { from, width, spread, first } = rampConstants(basis);
  const row = (values: readonly number[]) => graph.values([values.length], values);
  const yaw = graph.slice(poses, 1, 0, 1);
  const zeroToOne = [graph.scalar(0), graph.scalar(1)];
  const hats =
    from.length === 0
      ? // One for every row, whatever its pose.
        graph.node('Add', [graph.node('Mul', [yaw, graph.scalar(0)]), graph.scalar(1)])
      : graph.node('Add', [
          graph.node('MatMul', [
            graph.node('Clip', [
              graph.node('Div', [graph.node('Sub', [yaw, row(from)]), row(width)]),
              ...zeroToOne,
            ]),
            graph.values([from.length, first.length], spread),
          ]),
          row(first),
        ]);
  if (!basis.pitch) return hats;
  const pitch = graph.slice(poses, 1, 1, 2);
  const ramp = (unit: number) =>
    graph.node('Clip', [
      graph.node('Div', [pitch, graph.scalar(unit)]),
      graph.scalar(0),
      graph.scalar(PITCH_LIMIT),
    ]);
  return graph.concat([hats, ramp(PITCH_UNIT), ramp(-PITCH_UNIT)], 1);
}

/**
 * Ramps climb from 0 to 1 between neighbouring knots; hat k is ramp k−1 minus ramp k, with 1 before the first and 0 after
 * the last: hats = ramps · spread + first.
 */
function rampConstants({ knots }: PoseBasis) {
  const from = knots.slice(0, -1);
  const spread = from.flatMap((_, ramp) =>
    knots.map((_, hat) => (hat === ramp ? -1 : hat === ramp + 1 ? 1 : 0)),
  );
  return {
    from,
    width: from.map((knot, i) => knots[i + 1]! - knot),
    spread,
    first: knots.map((_, hat) => (hat === 0 ? 1 : 0)),
  };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
