/** Ridge map: the change that a turn makes as a linear function of the embedding, one map a band of yaw. */
import * as tf from '@tensorflow/tfjs-core';
import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { type Method, sourceOf, type VariantRequest } from '../method.ts';
import { rowsOf, valuesOf } from '../tasks/innerProducts.ts';
import { chooseByPeople } from './chooseByPeople.ts';
import { type Band, bandAt, learnBands } from './poseBands.ts';
import { oncePerPairs, type PairSource, type PosePair, sourcesOf } from './posePairs.ts';

/** y = x + change + (x − centre) · map. */
export interface AffineChange {
  readonly centre: Float32Array;
  readonly change: Float32Array;
  /** D × D, row-major. */
  readonly map: Float32Array;
}

/** Penalties that are tried, in units of the mean variance of a source's component. */
const PENALTIES = [30, 3, 300, 3000] as const;
/** Pairs that the choice is made on: it is the same question in every band. */
const CHOICE_PAIRS = 240;

export function ridgeMap(source: PairSource): Method {
  return {
    id: `ridge-${source.id}`,
    label: 'ridge map',
    kind: source.id === 'leaked' ? 'control' : 'rival',
    trainedOn: source.label,
    async prepare(trial) {
      const maps = learn(source.pairs(trial));
      const dim = trial.classes[0]!.enrol[0]!.embedding.length;
      return {
        generate: async (requests) => generate(maps, requests),
        size: { parameters: maps.length * dim * (dim + 2), multiplyAdds: dim * dim },
      };
    },
  };
}

const learn = oncePerPairs((pairs): Band<AffineChange>[] => {
  const every = Math.max(1, Math.floor(pairs.length / CHOICE_PAIRS));
  const penalty = chooseByPeople(
    pairs.filter((_, i) => i % every === 0),
    PENALTIES,
    (part, candidate) => {
      const change = fitChange(part, candidate);
      return { predict: (judged) => applyChange(change, sourcesOf(judged)) };
    },
  );
  return learnBands(pairs, (part) => fitChange(part, penalty));
});

/** All requests of a band at once. */
function generate(
  maps: readonly Band<AffineChange>[],
  requests: readonly VariantRequest[],
): (Float32Array | undefined)[] {
  const made: (Float32Array | undefined)[] = requests.map(() => undefined);
  const byBand = new Map<Band<AffineChange>, number[]>();
  requests.forEach(({ target }, i) => {
    const band = bandAt(maps, target.yaw);
    if (band !== undefined) byBand.set(band, [...(byBand.get(band) ?? []), i]);
  });
  for (const [band, positions] of byBand) {
    const embeddings = positions.map((i) => sourceOf(requests[i]!).embedding);
    applyChange(band.value(), embeddings).forEach((embedding, k) => {
      made[positions[k]!] = embedding;
    });
  }
  return made;
}

/**
 * Ridge regression of target − source on the centred source; `penalty` × n × mean variance is added to the diagonal.
 */
export function fitChange(pairs: readonly PosePair[], penalty: number): AffineChange {
  const [n, dim] = [pairs.length, pairs[0]!.source.length];
  const centre = meanOf(pairs.map(({ source }) => source));
  const changes = pairs.map(({ source, target }) => target.map((value, i) => value - source[i]!));
  const change = meanOf(changes);
  const minus = (row: Float32Array, mean: Float32Array) => row.map((value, i) => value - mean[i]!);
  const x = tf.tensor2d(rowsOf(pairs.map(({ source }) => minus(source, centre))), [n, dim]);
  const y = tf.tensor2d(rowsOf(changes.map((row) => minus(row, change))), [n, dim]);
  // The smaller of the two equal forms: (XᵀX + λ)⁻¹XᵀY = Xᵀ(XXᵀ + λ)⁻¹Y.
  const [left, right] = n < dim ? [x, tf.transpose(x)] : [tf.transpose(x), x];
  const size = Math.min(n, dim);
  const inner = Matrix.from1DArray(
    size,
    size,
    valuesOf(() => tf.matMul(left, right)),
  );
  const lambda = (penalty * inner.trace()) / dim + 1e-9;
  for (let i = 0; i < size; i++) inner.set(i, i, inner.get(i, i) + lambda);
  const inverse = Float32Array.from(new CholeskyDecomposition(inner).solve(Matrix.eye(size)).to1DArray());
  const map = valuesOf(() => {
    const solve = tf.tensor2d(inverse, [size, size]);
    return n < dim ? tf.matMul(right, tf.matMul(solve, y)) : tf.matMul(solve, tf.matMul(left, y));
  });
  tf.dispose([x, y, left, right]);
  return { centre, change, map };
}

export function applyChange(
  { centre, change, map }: AffineChange,
  embeddings: readonly Float32Array[],
): Float32Array[] {
  const dim = centre.length;
  const values = valuesOf(() => {
    const x = tf.tensor2d(rowsOf(embeddings), [embeddings.length, dim]);
    const turned = tf.matMul(tf.sub(x, centre), tf.tensor2d(map, [dim, dim]));
    return tf.add(tf.add(x, change), turned);
  });
  return embeddings.map((_, i) => values.slice(i * dim, (i + 1) * dim));
}

function meanOf(rows: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(rows[0]!.length);
  for (const row of rows) for (let i = 0; i < mean.length; i++) mean[i]! += row[i]! / rows.length;
  return mean;
}
