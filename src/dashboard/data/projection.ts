/** Real and generated embeddings of a few people in two dimensions: principal components of these points, exactly. */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

export interface Projection {
  /** A pair for every embedding, in order. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Share of the variance that each of the two axes holds, 0–1. */
  readonly explained: readonly [number, number];
}

/**
 * The first two principal components of the embeddings, by their Gram matrix: n×n, and n is small here while D is not.
 * The sign of an axis, which is arbitrary, is such that its largest coordinate is positive.
 * @param embeddings n vectors of the same D values.
 */
export function projectEmbeddings(embeddings: readonly ArrayLike<number>[]): Projection {
  const n = embeddings.length;
  if (n < 2) return { points: embeddings.map(() => [0, 0] as const), explained: [0, 0] };
  const rows = new Matrix(embeddings.map((embedding) => Array.from(embedding)));
  rows.center('column');
  const gram = rows.mmul(rows.transpose());
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(gram, { assumeSymmetric: true });
  const order = realEigenvalues.map((value, i) => ({ value, i })).sort((a, b) => b.value - a.value);
  const total = order.reduce((sum, { value }) => sum + Math.max(0, value), 0);
  const axes = [0, 1].map((axis) => {
    const { value, i } = order[axis]!;
    const scale = Math.sqrt(Math.max(0, value));
    const along = eigenvectorMatrix.getColumn(i).map((entry) => entry * scale);
    const extreme = along.reduce((most, entry) => (Math.abs(entry) > Math.abs(most) ? entry : most), 0);
    return extreme < 0 ? along.map((entry) => -entry) : along;
  });
  const share = (axis: number): number => (total > 0 ? Math.max(0, order[axis]!.value) / total : 0);
  return {
    points: Array.from({ length: n }, (_, row) => [axes[0]![row]!, axes[1]![row]!] as const),
    explained: [share(0), share(1)],
  };
}
