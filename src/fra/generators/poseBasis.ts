/**
 * What pose a posture code shows, and functions of it that sum to a smooth change over the poses: a linear read-out
 * code → (yaw, pitch) in degrees, then a hat function over every yaw knot (linear between knots, constant outside
 * them, their sum is 1) and, with pitch, one ramp for looking up and one for looking down.
 */
import * as tf from '@tensorflow/tfjs-core';
import { POSTURE_DIM } from '../../shared/face.ts';
import { emitWeight } from '../export/emitOps.ts';
import type { GraphBuilder } from '../export/graphBuilder.ts';
import { linear } from '../networks/tensorOps.ts';
import { type NamedWeights, type WeightSpecs, type Weights, weight } from '../networks/weights.ts';
import type { PoseBasis } from './generatorConfig.ts';

/** Degrees of pitch at which a ramp reaches 1, and the value it never exceeds. */
export const PITCH_UNIT = 20;
const PITCH_LIMIT = 1.5;

/** Functions in the basis. */
export function basisSize({ knots, pitch }: PoseBasis): number {
  return knots.length + (pitch ? 2 : 0);
}

/** 1 for a hat, 0 for a ramp of pitch, F values: at every pose Σ_f share_f·φ_f = 1, because hats sum to 1. */
export function hatShares({ knots, pitch }: PoseBasis): number[] {
  return [...knots.map(() => 1), ...(pitch ? [0, 0] : [])];
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
  const { ramps, size, slopes, starts, toValues, first } = rampForm(basis);
  const climbed = linear(poses, tf.tensor2d(slopes, [2, ramps]), tf.tensor1d(starts));
  return linear(tf.clipByValue(climbed, 0, 1), tf.tensor2d(toValues, [ramps, size]), tf.tensor1d(first));
}

/**
 * postures (N,512) → basis values (N,F), as nodes. The read-out is multiplied into the slopes, constants by constants,
 * which a runtime does when it opens the graph: operations over few columns cost a run as much as over many.
 */
export function emitBasisAt(
  graph: GraphBuilder,
  basis: PoseBasis,
  weights: NamedWeights,
  posture: string,
): string {
  const { ramps, size, slopes, starts, toValues, first } = rampForm(basis);
  const toRamps = graph.values([2, ramps], slopes);
  const weight = graph.node('MatMul', [emitWeight(graph, weights, 'probe.weight'), toRamps]);
  const bias = graph.node('MatMul', [emitWeight(graph, weights, 'probe.bias'), toRamps]);
  const start = graph.node('Add', [bias, graph.values([ramps], starts)]);
  const climbed = graph.node('Gemm', [posture, weight, start]);
  const clipped = graph.node('Clip', [climbed, graph.scalar(0), graph.scalar(1)]);
  return graph.node('Gemm', [clipped, graph.values([ramps, size], toValues), graph.values([size], first)]);
}

/**
 * The basis as two small products: values = clip(poses · slopes + starts, 0, 1) · toValues + first. Yaw ramps climb
 * from 0 to 1 between neighbouring knots; hat k is ramp k−1 minus ramp k, with 1 before the first and 0 after the last.
 * Pitch has a ramp each way. Matrices are row-major.
 */
function rampForm({ knots, pitch }: PoseBasis) {
  const between = knots.slice(1).map((knot, i) => {
    const width = knot - knots[i]!;
    return {
      slope: [1 / width, 0],
      start: -knots[i]! / width,
      values: [[i, -1] as const, [i + 1, 1] as const],
    };
  });
  const limit = PITCH_UNIT * PITCH_LIMIT;
  const upAndDown = [1, -1].map((way, i) => {
    return { slope: [0, way / limit], start: 0, values: [[knots.length + i, PITCH_LIMIT] as const] };
  });
  const all = [...between, ...(pitch ? upAndDown : [])];
  // One knot and no pitch: the only function is 1 everywhere. A ramp that never climbs keeps the products' shapes.
  const ramps = all.length > 0 ? all : [{ slope: [0, 0], start: 0, values: [] }];
  const size = basisSize({ knots, pitch });
  const toValues = ramps.flatMap(({ values }) => {
    const row = new Array<number>(size).fill(0);
    for (const [column, value] of values) row[column] = value;
    return row;
  });
  return {
    ramps: ramps.length,
    size,
    slopes: [0, 1].flatMap((angle) => ramps.map(({ slope }) => slope[angle]!)),
    starts: ramps.map(({ start }) => start),
    toValues,
    first: Array.from({ length: size }, (_, i) => (i === 0 ? 1 : 0)),
  };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
