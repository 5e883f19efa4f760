/** Takes a ridge map to the smallest rank that loses nothing on validation people. */
import * as tf from '@tensorflow/tfjs-core';
import { basisSize } from '../generators/poseBasis.ts';
import { valuesOf } from '../networks/tensorOps.ts';
import type { WeightValues } from '../networks/weights.ts';
import { eigen, type LinearFit } from './ridge.ts';
import type { Solution, SolveRequest } from './solveRequest.ts';
import { predictChanges, type Turn } from './turns.ts';

const RANKS = [16, 32, 64, 128, 256];
/** A smaller rank is taken when it costs less than this of the judge's loss. */
const RANK_TOLERANCE = 0.002;
/** Rows that low-rank directions are estimated from. */
const DIRECTION_ROWS = 4000;

/** The smallest rank that loses nothing: directions are those in which predicted changes vary most. */
export function lowerRank(
  { config, weights }: Solution,
  loss: number,
  turns: readonly Turn[],
  { identityDim, judge, note }: SolveRequest,
): Solution {
  if (config.kind !== 'ridge') return { config, weights };
  const functions = basisSize(config.basis);
  const map = weights.get('map.weight')!.values;
  const every = Math.max(1, Math.floor(turns.length / DIRECTION_ROWS));
  const some = turns.filter((_, i) => i % every === 0);
  const fits = Array.from(
    { length: functions },
    (_, f): LinearFit => ({
      map: columnsOf(map, f, functions, identityDim),
      scale: 0,
      offset: new Float32Array(identityDim),
    }),
  );
  const changes = predictChanges(some, fits, identityDim);
  const gram = valuesOf(() => {
    const x = tf.tensor2d(changes, [some.length, identityDim]);
    const centred = tf.sub(x, tf.mean(x, 0, true));
    return tf.matMul(tf.transpose(centred), centred);
  });
  const { vectors } = eigen(gram, identityDim);
  for (const rank of RANKS.filter((candidate) => candidate < identityDim)) {
    // Eigenvalues ascend: the last columns are the directions wanted. (R,D)
    const directions = Float32Array.from({ length: rank * identityDim }, (_, i) => {
      const [r, d] = [Math.floor(i / identityDim), i % identityDim];
      return vectors[d * identityDim + (identityDim - 1 - r)]!;
    });
    const projected = fits.map(({ map: own }) =>
      valuesOf(() =>
        tf.matMul(
          tf.tensor2d(own, [identityDim, identityDim]),
          tf.transpose(tf.tensor2d(directions, [rank, identityDim])),
        ),
      ),
    );
    const lower: Solution = {
      config: { ...config, rank },
      weights: new Map<string, WeightValues>([
        ...weights,
        ['map.weight', joinColumns(projected, identityDim, rank)],
        ['directions', { shape: [rank, identityDim], values: directions }],
      ]),
    };
    const lowerLoss = judge(lower.config, lower.weights);
    if (lowerLoss <= loss + RANK_TOLERANCE) {
      note(`rank ${rank} of ${identityDim} (loss ${lowerLoss.toFixed(4)} against ${loss.toFixed(4)})`);
      return lower;
    }
  }
  note(`full rank ${identityDim}`);
  return { config, weights };
}

/** Matrices (D,R) → (D, F·R), function by function. */
export function joinColumns(maps: readonly Float32Array[], rows: number, width: number): WeightValues {
  const values = new Float32Array(maps.length * rows * width);
  maps.forEach((map, f) => {
    for (let row = 0; row < rows; row++) {
      values.set(map.subarray(row * width, (row + 1) * width), (row * maps.length + f) * width);
    }
  });
  return { shape: [rows, maps.length * width], values };
}

/** Function f of (D, F·D) → (D,D). */
function columnsOf(map: Float32Array, f: number, functions: number, dim: number): Float32Array {
  const own = new Float32Array(dim * dim);
  for (let row = 0; row < dim; row++) {
    const start = (row * functions + f) * dim;
    own.set(map.subarray(start, start + dim), row * dim);
  }
  return own;
}
