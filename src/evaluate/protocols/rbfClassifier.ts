/** The SVM of the paper's evaluation: RBF kernel, C = 1, gamma = 1/D on standardised rows (scikit-learn's defaults). */
import { dot } from '../../shared/l2.ts';
import { innerProducts } from '../tasks/innerProducts.ts';
import { classifyBySvm } from '../tasks/supportVectors.ts';
import type { ClassifyRows } from './kdefFaces.ts';

interface Kernels {
  readonly rows: readonly Float32Array[];
  readonly test: readonly Float32Array[];
  readonly kernel: Float64Array;
  readonly tested: Float64Array;
}

/**
 * Remembers the kernels of the last rows: three tasks are asked about the same ones. The current TensorFlow.js backend
 * computes them.
 */
export function openRbfClassifier(): ClassifyRows {
  let last: Kernels | undefined;
  return async ({ rows, classes }, test) => {
    if (last?.rows !== rows || last.test !== test) {
      const gamma = 1 / (rows[0]?.length ?? 1);
      last = { rows, test, kernel: rbfOf(rows, rows, gamma), tested: rbfOf(test, rows, gamma) };
    }
    const names = [...new Set(classes)];
    const numbers = new Map(names.map((name, i) => [name, i]));
    const labels = classes.map((name) => numbers.get(name)!);
    const { kernel, tested } = last;
    const answers = await classifyBySvm({ kernel, labels, tested, cost: 1 });
    return answers.map((answer) => names[answer]!);
  };
}

/** exp(−gamma · ‖a − b‖²), row-major a.length × b.length; rows of any length. */
function rbfOf(a: readonly Float32Array[], b: readonly Float32Array[], gamma: number): Float64Array {
  const squaresA = a.map((row) => dot(row, row));
  const squaresB = b.map((row) => dot(row, row));
  return innerProducts(a, b).map((product, k) => {
    const squares = squaresA[Math.floor(k / b.length)]! + squaresB[k % b.length]!;
    return Math.exp(-gamma * Math.max(0, squares - 2 * product));
  });
}
