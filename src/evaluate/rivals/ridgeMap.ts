/** Ridge map: the change that a turn makes as a linear function of the embedding, one map a band of yaw. */
import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { type Method, perRequest, sourceOf } from '../method.ts';
import { chooseByPeople } from './chooseByPeople.ts';
import { type Band, bandAt, learnBands } from './poseBands.ts';
import { oncePerPairs, type PairSource, type PosePair } from './posePairs.ts';

/** y = x + change + (x − centre) · map. */
export interface AffineChange {
  readonly centre: Float64Array;
  readonly change: Float64Array;
  /** D × D, row-major. */
  readonly map: Float64Array;
}

/** Penalties that are tried, in units of the mean variance of a source's component. */
const PENALTIES = [30, 3, 300, 3000] as const;
/** The choice is made on the pairs of a few bands: it is the same question everywhere. */
const CHOICE_PAIRS = 240;

export function ridgeMap(source: PairSource): Method {
  return {
    id: `ridge-${source.id}`,
    label: 'ridge map',
    kind: source.id === 'leaked' ? 'control' : 'rival',
    trainedOn: source.label,
    async prepare(trial) {
      const maps = learn(source.pairs(trial));
      const dim = maps[0]?.value.centre.length ?? 0;
      return {
        ...perRequest((request) => {
          const change = bandAt(maps, request.target.yaw);
          return change && applyChange(change, sourceOf(request).embedding);
        }),
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
      return { predict: (embedding) => applyChange(change, embedding) };
    },
  );
  return learnBands(pairs, (part) => fitChange(part, penalty));
});

/** Ridge regression of target − source on the centred source; `penalty` × n × mean variance is added to the diagonal. */
export function fitChange(pairs: readonly PosePair[], penalty: number): AffineChange {
  const [n, dim] = [pairs.length, pairs[0]!.source.length];
  const centre = meanOf(pairs.map(({ source }) => source));
  const change = meanOf(pairs.map(({ source, target }) => target.map((value, i) => value - source[i]!)));
  const x = new Matrix(
    pairs.map(({ source }) => Float64Array.from(source, (value, i) => value - centre[i]!)),
  );
  const y = new Matrix(
    pairs.map(({ source, target }) =>
      Float64Array.from(target, (value, i) => value - source[i]! - change[i]!),
    ),
  );
  const xt = x.transpose();
  // The smaller of the two equal forms: (XᵀX + λ)⁻¹XᵀY = Xᵀ(XXᵀ + λ)⁻¹Y.
  const inner = n < dim ? x.mmul(xt) : xt.mmul(x);
  const lambda = (penalty * inner.trace()) / dim + 1e-9;
  for (let i = 0; i < inner.rows; i++) inner.set(i, i, inner.get(i, i) + lambda);
  const solve = new CholeskyDecomposition(inner);
  const map = n < dim ? xt.mmul(solve.solve(y)) : solve.solve(xt.mmul(y));
  return { centre, change, map: Float64Array.from(map.to1DArray()) };
}

export function applyChange({ centre, change, map }: AffineChange, embedding: Float32Array): Float32Array {
  const dim = embedding.length;
  const sum = Float64Array.from(embedding, (value, i) => value + change[i]!);
  for (let k = 0; k < dim; k++) {
    const value = embedding[k]! - centre[k]!;
    const row = k * dim;
    for (let i = 0; i < dim; i++) sum[i]! += value * map[row + i]!;
  }
  return Float32Array.from(sum);
}

function meanOf(rows: readonly Float32Array[]): Float64Array {
  const mean = new Float64Array(rows[0]!.length);
  for (const row of rows) for (let i = 0; i < mean.length; i++) mean[i]! += row[i]! / rows.length;
  return mean;
}
