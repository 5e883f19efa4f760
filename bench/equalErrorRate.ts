/** The equal error rate of a verification by similarity. */
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

/** Where the shares of genuine pairs below and impostor pairs at or above a similarity are closest: their mean. */
function rateOfPairs(pairs: readonly (readonly [Labelled, Labelled])[]): number {
  const genuine: number[] = [];
  const impostor: number[] = [];
  for (const [a, b] of pairs) {
    (a.subjectId === b.subjectId ? genuine : impostor).push(dot(a.embedding, b.embedding));
  }
  genuine.sort((a, b) => a - b);
  impostor.sort((a, b) => a - b);
  let below = 0;
  let closest = Number.POSITIVE_INFINITY;
  let rate = Number.NaN;
  genuine.forEach((similarity, missed) => {
    while (below < impostor.length && impostor[below]! < similarity) below++;
    const missRate = missed / genuine.length;
    const falseRate = (impostor.length - below) / impostor.length;
    if (Math.abs(missRate - falseRate) < closest) {
      closest = Math.abs(missRate - falseRate);
      rate = (missRate + falseRate) / 2;
    }
  });
  return rate;
}
