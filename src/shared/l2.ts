/** Vector arithmetic on embeddings. */

/** Scales v to unit length in place and returns its former length; a zero or non-finite vector is left alone. */
export function normalizeInPlace(v: Float32Array): number {
  const norm = Math.sqrt(dot(v, v));
  if (norm > 0 && Number.isFinite(norm)) for (let i = 0; i < v.length; i++) v[i]! /= norm;
  return norm;
}

/** Inner product; the cosine similarity of unit vectors. Lengths must be equal. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Square of the Euclidean distance. Lengths must be equal. */
export function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}

/**
 * The direction of the mean of unit vectors: a subject's centroid.
 * @param others sum of further vectors.
 */
export function centroid(vectors: readonly Float32Array[], others?: Float32Array): Float32Array {
  const mean = others?.slice() ?? new Float32Array(vectors[0]?.length ?? 0);
  for (const vector of vectors) for (let i = 0; i < mean.length; i++) mean[i]! += vector[i]!;
  normalizeInPlace(mean);
  return mean;
}
