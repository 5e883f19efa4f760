/** Weighted ridge regression in closed form, for many penalties at once. */
import * as tf from '@tensorflow/tfjs-core';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { valuesOf } from '../networks/tensorOps.ts';

/** y ≈ xᵀ·map + scale·x + offset. */
export interface LinearFit {
  /** I × O, row-major; empty: zero. */
  readonly map: Float32Array;
  /** 0 unless inputs and outputs are vectors of one space. */
  readonly scale: number;
  /** O values. */
  readonly offset: Float32Array;
}

export interface RidgeProblem {
  /** Rows × I and rows × O, row-major. */
  readonly inputs: Float32Array;
  readonly outputs: Float32Array;
  /** Weight of every row, ≥ 0. */
  readonly weights: Float32Array;
}

/** A problem decomposed once, when it is first solved; `solve` is cheap for every penalty after. */
export interface RidgePath {
  /** Sum of the row weights. */
  readonly weight: number;
  /** Change of outputs at the mean input: what is left when the penalty is infinite. */
  readonly meanOutput: Float32Array;
  /**
   * Minimises Σ w·|y − xᵀM − a·x − b|² + λ·(Σw/I)·|M|²; b is not penalised. λ is in units of the mean squared length of
   * an input a dimension when inputs have unit length. a = `scaling` times the one factor that alone would fit best:
   * the penalty then draws towards "everything of the person shrinks alike" and not towards "nothing changes".
   */
  readonly solve: (lambda: number, scaling?: number) => LinearFit;
}

/** Sizes: I inputs and O outputs a row. Products run on the current tfjs backend. */
export function ridgePath(
  { inputs, outputs, weights }: RidgeProblem,
  sizes: { readonly inputs: number; readonly outputs: number },
): RidgePath {
  const rows = weights.length;
  const total = weights.reduce((sum, value) => sum + value, 0);
  const meanInput = weightedMean(inputs, weights, sizes.inputs, total);
  const meanOutput = weightedMean(outputs, weights, sizes.outputs, total);
  const square = sizes.inputs === sizes.outputs;
  const centred = (values: Float32Array, mean: Float32Array, width: number) => {
    const result = new Float32Array(values.length);
    for (let row = 0; row < rows; row++) {
      const root = Math.sqrt(weights[row]!);
      for (let i = 0; i < width; i++) result[row * width + i] = root * (values[row * width + i]! - mean[i]!);
    }
    return result;
  };
  const x = tf.tensor2d(centred(inputs, meanInput, sizes.inputs), [rows, sizes.inputs]);
  const y = tf.tensor2d(centred(outputs, meanOutput, sizes.outputs), [rows, sizes.outputs]);
  const gram = valuesOf(() => tf.matMul(tf.transpose(x), x));
  const cross = valuesOf(() => tf.matMul(tf.transpose(x), y));
  tf.dispose([x, y]);
  const bestScale = square ? trace(cross, sizes.inputs) / Math.max(trace(gram, sizes.inputs), 1e-12) : 0;
  let decomposed: ReturnType<typeof eigen> | undefined;
  // vectorsᵀ · (cross − a·gram), I × O.
  const turnedFor = (vectors: Float32Array, scale: number) =>
    valuesOf(() => {
      const left = tf.tensor2d(cross, [sizes.inputs, sizes.outputs]);
      const rest =
        scale === 0 ? left : tf.sub(left, tf.mul(tf.tensor2d(gram, [sizes.inputs, sizes.inputs]), scale));
      return tf.matMul(tf.transpose(tf.tensor2d(vectors, [sizes.inputs, sizes.inputs])), rest as tf.Tensor2D);
    });
  const turnedAt = new Map<number, Float32Array>();
  return {
    weight: total,
    meanOutput,
    solve: (lambda, scaling = 0) => {
      // A second or so of 512 inputs: means need none of it.
      decomposed ??= eigen(gram, sizes.inputs);
      const { values, vectors } = decomposed;
      const scale = scaling === 0 ? 0 : scaling * bestScale;
      const turned = turnedAt.get(scale) ?? turnedFor(vectors, scale);
      turnedAt.set(scale, turned);
      const penalty = Math.max((lambda * total) / sizes.inputs, 1e-9);
      const scaled = new Float32Array(turned.length);
      for (let i = 0; i < sizes.inputs; i++) {
        // Rounding makes eigenvalues that should be 0 slightly negative.
        const factor = 1 / (Math.max(values[i]!, 0) + penalty);
        for (let o = 0; o < sizes.outputs; o++) {
          scaled[i * sizes.outputs + o] = factor * turned[i * sizes.outputs + o]!;
        }
      }
      const map = valuesOf(() =>
        tf.matMul(
          tf.tensor2d(vectors, [sizes.inputs, sizes.inputs]),
          tf.tensor2d(scaled, [sizes.inputs, sizes.outputs]),
        ),
      );
      const offset = Float32Array.from(meanOutput);
      for (let i = 0; i < sizes.inputs; i++) {
        if (square) offset[i]! -= scale * meanInput[i]!;
        for (let o = 0; o < sizes.outputs; o++) offset[o]! -= meanInput[i]! * map[i * sizes.outputs + o]!;
      }
      return { map, scale, offset };
    },
  };
}

function trace(matrix: Float32Array, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += matrix[i * size + i]!;
  return sum;
}

/** Eigenvalues (ascending) and eigenvectors (columns of a size × size matrix) of a symmetric matrix. */
export function eigen(
  symmetric: ArrayLike<number>,
  size: number,
): { values: Float64Array; vectors: Float32Array } {
  const matrix = Matrix.from1DArray(size, size, Array.from(symmetric));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  });
  return {
    values: Float64Array.from(realEigenvalues),
    vectors: Float32Array.from(eigenvectorMatrix.to1DArray()),
  };
}

function weightedMean(
  values: Float32Array,
  weights: Float32Array,
  width: number,
  total: number,
): Float32Array {
  const mean = new Float64Array(width);
  weights.forEach((rowWeight, row) => {
    for (let i = 0; i < width; i++) mean[i]! += (rowWeight / total) * values[row * width + i]!;
  });
  return Float32Array.from(mean);
}
