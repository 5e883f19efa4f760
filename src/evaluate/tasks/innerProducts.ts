/** Inner products of many embeddings at once. */
import * as tf from '@tensorflow/tfjs-core';

/** Row-major a.length × b.length. The current TensorFlow.js backend computes. */
export function innerProducts(a: readonly Float32Array[], b: readonly Float32Array[]): Float64Array {
  if (a.length === 0 || b.length === 0) return new Float64Array(0);
  const width = a[0]!.length;
  return Float64Array.from(
    valuesOf(() => tf.matMul(tf.tensor2d(rowsOf(a), [a.length, width]), columnsOf(b, width))),
  );
}

/** The values of a tensor that is computed in a tidy scope of its own; reading inside one would walk every value. */
export function valuesOf(compute: () => tf.Tensor): Float32Array {
  const tensor = tf.tidy(compute);
  const values = tensor.dataSync() as Float32Array;
  tensor.dispose();
  return values;
}

/** Rows of a matrix in one array. */
export function rowsOf(vectors: readonly Float32Array[]): Float32Array {
  const width = vectors[0]?.length ?? 0;
  const values = new Float32Array(vectors.length * width);
  vectors.forEach((vector, i) => {
    values.set(vector, i * width);
  });
  return values;
}

/** width × n: tfjs-wasm multiplies fast only when it need not transpose. */
function columnsOf(vectors: readonly Float32Array[], width: number): tf.Tensor2D {
  const values = new Float32Array(vectors.length * width);
  vectors.forEach((vector, i) => {
    for (let k = 0; k < width; k++) values[k * vectors.length + i] = vector[k]!;
  });
  return tf.tensor2d(values, [width, vectors.length]);
}
