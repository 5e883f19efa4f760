/**
 * Support vector machines by LIBSVM (Chang and Lin 2011) in WebAssembly: C-SVC, one against one, as scikit-learn's SVC.
 * Kernels are computed here and handed over, because every row shares most of its inner products.
 */
import { createRequire } from 'node:module';

/** The part of libsvm-js that is used. */
interface LibsvmModel {
  train(samples: readonly Float64Array[], labels: readonly number[]): void;
  predictOne(sample: Float64Array): number;
  free(): void;
}
type Libsvm = new (options: {
  type: string;
  kernel: string;
  cost: number;
  cacheSize: number;
  quiet: boolean;
}) => LibsvmModel;

const C_SVC = '0';
const PRECOMPUTED_KERNEL = '4';
/** Kernel cache in MB, above any problem met here. */
const CACHE_MB = 100;

let loading: Promise<Libsvm> | undefined;

function loadLibsvm(): Promise<Libsvm> {
  if (loading === undefined) {
    // The package was built before Node had `fetch` and complains on the console when it tries it on a path.
    const { fetch } = globalThis;
    try {
      Reflect.deleteProperty(globalThis, 'fetch');
      loading = createRequire(import.meta.url)('libsvm-js') as Promise<Libsvm>;
    } finally {
      globalThis.fetch = fetch;
    }
  }
  return loading;
}

export interface SvmProblem {
  /** Row-major n × n: kernel between training samples. */
  readonly kernel: Float64Array;
  /** Class of each of the n training samples. */
  readonly labels: readonly number[];
  /** Row-major m × n: kernel between each sample to be classified and the training samples. */
  readonly tested: Float64Array;
  /** C: price of a sample on the wrong side. */
  readonly cost: number;
}

/** The class of each tested sample. */
export async function classifyBySvm({ kernel, labels, tested, cost }: SvmProblem): Promise<number[]> {
  const Svm = await loadLibsvm();
  const model = new Svm({
    type: C_SVC,
    kernel: PRECOMPUTED_KERNEL,
    cost,
    cacheSize: CACHE_MB,
    quiet: true,
  });
  const n = labels.length;
  // LIBSVM wants the sample's number, from 1, before its kernel values.
  const row = (values: Float64Array, i: number, number: number) => {
    const numbered = new Float64Array(n + 1);
    numbered[0] = number;
    numbered.set(values.subarray(i * n, (i + 1) * n), 1);
    return numbered;
  };
  try {
    model.train(
      labels.map((_, i) => row(kernel, i, i + 1)),
      labels,
    );
    return Array.from({ length: tested.length / n }, (_, i) => model.predictOne(row(tested, i, 0)));
  } finally {
    model.free();
  }
}

/** exp(−gamma · ‖a − b‖²) of unit vectors, from their inner products. */
export function rbfKernel(inner: Float64Array, gamma: number): Float64Array {
  return inner.map((product) => Math.exp(-2 * gamma * (1 - product)));
}
