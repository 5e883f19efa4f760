/** Identification by the nearest class mean: the cosine of a probe to every class's template. */
import { dot } from '../../shared/l2.ts';
import type { Gallery } from '../gallery.ts';

/** Position of the nearest class of every probe. */
export function nearestMeans({ enrolled, probes }: Gallery): number[] {
  return probes.map(({ embedding }) =>
    nearest(
      enrolled.map(({ template }) => template),
      embedding,
    ),
  );
}

/** Position of the most similar vector. */
export function nearest(vectors: readonly Float32Array[], embedding: Float32Array): number {
  let [best, position] = [Number.NEGATIVE_INFINITY, 0];
  vectors.forEach((vector, i) => {
    const similarity = dot(vector, embedding);
    if (similarity > best) [best, position] = [similarity, i];
  });
  return position;
}
