/** The equal error rate of a verification by similarity, over all pairs of faces; the rate is that of `evaluate`. */
import { type Comparison, errorRates, scoreSet } from '../src/evaluate/metrics/errorRates.ts';
import { dot } from '../src/shared/l2.ts';

export interface Labelled {
  readonly subjectId: string;
  /** Of unit length. */
  readonly embedding: Float32Array;
}

/** Over all pairs of faces. */
export function equalErrorRate(faces: readonly Labelled[]): number {
  return rateOfPairs(faces.flatMap((a, i) => faces.slice(0, i).map((b) => [a, b] as const)));
}

/** Over the pairs of one face of each group. */
export function equalErrorRateBetween(some: readonly Labelled[], others: readonly Labelled[]): number {
  return rateOfPairs(some.flatMap((a) => others.map((b) => [a, b] as const)));
}

function rateOfPairs(pairs: readonly (readonly [Labelled, Labelled])[]): number {
  const comparisons = pairs.map(([a, b]): Comparison => {
    // Everybody counts once, so nobody needs a number.
    return { score: dot(a.embedding, b.embedding), genuine: a.subjectId === b.subjectId, person: 0 };
  });
  return errorRates(scoreSet(comparisons), []).equal;
}
