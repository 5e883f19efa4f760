/**
 * Within-class covariance normalisation (Hatch and Stolcke 2006): directions in which a person's own embeddings differ
 * count less. A change of the space, no generation.
 */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { normalizeInPlace } from '../../shared/l2.ts';
import { type Method, type PreparedMethod, perRequest } from '../method.ts';
import { chooseByPeople } from './chooseByPeople.ts';
import { oncePerPairs, type PairSource, sourcesOf } from './posePairs.ts';
import { withinPersonDeviations } from './tiedCovariance.ts';

/** Shares of the identity in the covariance that are tried. */
const SHRINKAGES = [0.5, 0.2, 0.8] as const;

/** Over `inner`: the space is changed and its variants are compared there; over nothing: the photographs alone. */
export function wccn(source: PairSource, inner?: Method): Method {
  return {
    id: inner === undefined ? `wccn-${source.id}` : `${inner.id}-wccn-${source.id}`,
    label: inner === undefined ? 'WCCN' : `${inner.label} + WCCN`,
    kind: 'rival',
    space: 'transformed',
    trainedOn: source.label,
    ...(inner?.perSecond !== undefined && { perSecond: inner.perSecond }),
    async prepare(trial): Promise<PreparedMethod> {
      const whiten = learn(source.pairs(trial));
      const generator = inner === undefined ? perRequest(() => undefined) : await inner.prepare(trial);
      return { generate: generator.generate, transform: (embedding) => apply(whiten, embedding) };
    },
  };
}

const learn = oncePerPairs((pairs) => {
  const shrinkage = chooseByPeople(pairs, SHRINKAGES, (part, candidate) => {
    const whiten = fitWccn(spectrum(part), candidate);
    return { predict: sourcesOf, transform: (embedding) => apply(whiten, embedding) };
  });
  return fitWccn(spectrum(pairs), shrinkage);
});

/** Within-person covariance by its directions; those without variance are not listed. */
interface Spectrum {
  readonly directions: readonly Float64Array[];
  readonly variances: readonly number[];
  readonly dim: number;
}

/** Of several shrinkages and the same pairs, made once. */
const spectrum = oncePerPairs((pairs): Spectrum => {
  const deviations = new Matrix(withinPersonDeviations(pairs).map((row) => Float64Array.from(row)));
  const [n, dim] = [deviations.rows, deviations.columns];
  const turned = deviations.transpose();
  // The smaller of AᵀA and AAᵀ: they have the same eigenvalues.
  const small = n < dim ? deviations.mmul(turned) : turned.mmul(deviations);
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(small, {
    assumeSymmetric: true,
  });
  const vectors = n < dim ? turned.mmul(eigenvectorMatrix) : eigenvectorMatrix;
  const largest = Math.max(...realEigenvalues);
  const kept = realEigenvalues.flatMap((value, i) => (value > 1e-9 * largest ? [i] : []));
  return {
    dim,
    variances: kept.map((i) => realEigenvalues[i]! / n),
    directions: kept.map((i) => {
      const column = Float64Array.from(vectors.getColumn(i));
      const length = Math.sqrt(column.reduce((sum, value) => sum + value * value, 0));
      return column.map((value) => value / length);
    }),
  };
});

/** The square root of the inverse covariance, up to a factor: x − Σ loss · direction · (direction · x). */
export interface Whitening {
  readonly directions: readonly Float64Array[];
  readonly losses: readonly number[];
}

/** Covariance (1 − s)·S + s·(mean variance)·I. */
function fitWccn({ directions, variances, dim }: Spectrum, shrinkage: number): Whitening {
  const level = (shrinkage * variances.reduce((sum, value) => sum + value, 0)) / dim;
  return {
    directions,
    losses: variances.map((variance) => 1 - Math.sqrt(level / ((1 - shrinkage) * variance + level))),
  };
}

function apply({ directions, losses }: Whitening, embedding: Float32Array): Float32Array {
  const result = Float32Array.from(embedding);
  directions.forEach((direction, i) => {
    let share = 0;
    for (let k = 0; k < direction.length; k++) share += direction[k]! * embedding[k]!;
    share *= losses[i]!;
    for (let k = 0; k < direction.length; k++) result[k]! -= share * direction[k]!;
  });
  normalizeInPlace(result);
  return result;
}
