/**
 * The operations the networks are made of, on kernels every backend has. tfjs-wasm has no gradient kernel of a
 * convolution or a max-pooling, and multiplies matrices fast only when none is transposed, so both are said in
 * matrix products, slices and concatenations. Where a backend has the gradient kernel its own convolution is used;
 * a test holds the two forms equal.
 */
import * as tf from '@tensorflow/tfjs-core';

/** The values of a computed tensor; nothing of the computation stays. (tidy would walk through a returned array.) */
export function valuesOf(compute: () => tf.Tensor): Float32Array {
  const result = tf.tidy(compute);
  const values = result.dataSync() as Float32Array;
  result.dispose();
  return values;
}

/** A @ B with a gradient that transposes explicitly. Shapes (M,K)·(K,N) or (B,M,K)·(B,K,N). */
export function matMul<T extends tf.Tensor>(a: T, b: T): T {
  const product = tf.customGrad((x, w, save) => {
    const [left, right] = [x as tf.Tensor, w as tf.Tensor];
    (save as tf.GradSaveFunc)([left, right]);
    return {
      value: tf.matMul(left, right),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [u, v] = saved as [tf.Tensor, tf.Tensor];
        return [tf.matMul(dy, swapLast(v)), tf.matMul(swapLast(u), dy)];
      },
    };
  });
  return product(a, b) as T;
}

function swapLast(x: tf.Tensor): tf.Tensor {
  return x.rank === 2 ? tf.transpose(x, [1, 0]) : tf.transpose(x, [0, 2, 1]);
}

/** x (N,I) · weight (I,O) + bias (O). */
export function linear(x: tf.Tensor2D, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor2D {
  return tf.add(matMul(x, weight as tf.Tensor2D), bias);
}

/** How a convolution is computed: the backend's kernel, or matrix products over gathered pixels. */
export type ConvolutionForm = 'kernel' | 'matmul';

/** The form the current backend can differentiate. */
export function differentiableForm(): ConvolutionForm {
  return tf.getKernel('Conv2DBackpropFilter', tf.getBackend()) === undefined ? 'matmul' : 'kernel';
}

export interface ConvolutionOptions {
  readonly stride?: number;
  /** Zero pixels on each side. */
  readonly padding: number;
}

/** x (N,H,W,I) convolved with weight (kh,kw,I,O), plus bias (O) → (N,H',W',O). */
export function convolve(
  x: tf.Tensor4D,
  weight: tf.Tensor,
  bias: tf.Tensor,
  { stride = 1, padding }: ConvolutionOptions,
  form: ConvolutionForm,
): tf.Tensor4D {
  const kernel = weight as tf.Tensor4D;
  if (form === 'kernel') {
    // The native library differentiates 'same' and 'valid' only; a 3×3 kernel with one pixel around is 'same'.
    const same = stride === 1 && padding > 0 && kernel.shape[0] === 2 * padding + 1;
    const whole = same || padding === 0 ? x : tf.pad(x, aroundPixels(padding));
    return tf.add(tf.conv2d(whole, kernel, stride, same ? 'same' : 'valid'), bias);
  }
  const padded = padding === 0 ? x : tf.pad(x, aroundPixels(padding));
  const [count, height, width, inputs] = padded.shape;
  const [kh, kw, , outputs] = kernel.shape;
  const [outHeight, outWidth] = [
    1 + Math.floor((height - kh) / stride),
    1 + Math.floor((width - kw) / stride),
  ];
  // One shifted copy of the picture per kernel position: (N,H',W',kh·kw·I).
  const shifted: tf.Tensor4D[] = [];
  for (let y = 0; y < kh; y++) {
    for (let column = 0; column < kw; column++) {
      shifted.push(shiftedPixels(padded, y, column, outHeight, outWidth, stride));
    }
  }
  const columns = tf.reshape(tf.concat(shifted, 3), [count * outHeight * outWidth, kh * kw * inputs]);
  const product = matMul(
    columns as tf.Tensor2D,
    tf.reshape(kernel, [kh * kw * inputs, outputs]) as tf.Tensor2D,
  );
  return tf.reshape(tf.add(product, bias), [count, outHeight, outWidth, outputs]);
}

function aroundPixels(padding: number): [number, number][] {
  return [
    [0, 0],
    [padding, padding],
    [padding, padding],
    [0, 0],
  ];
}

/** Pixels (y + i·stride, x + j·stride) for i < height, j < width. */
function shiftedPixels(
  x: tf.Tensor4D,
  top: number,
  left: number,
  height: number,
  width: number,
  stride: number,
): tf.Tensor4D {
  const [count, , , channels] = x.shape;
  if (stride === 1) return tf.slice(x, [0, top, left, 0], [count, height, width, channels]);
  // Few pixels (the decoder's first layer): one slice each.
  const rows: tf.Tensor4D[] = [];
  for (let i = 0; i < height; i++) {
    const row: tf.Tensor4D[] = [];
    for (let j = 0; j < width; j++) {
      row.push(tf.slice(x, [0, top + i * stride, left + j * stride, 0], [count, 1, 1, channels]));
    }
    rows.push(tf.concat(row, 2));
  }
  return tf.concat(rows, 1);
}

/** Maximum of every 2×2 square: (N,H,W,C) → (N,⌊H/2⌋,⌊W/2⌋,C). */
export function maxPool2(x: tf.Tensor4D, form: ConvolutionForm): tf.Tensor4D {
  if (form === 'kernel') return tf.maxPool(x, 2, 2, 'valid');
  const [count, fullHeight, fullWidth, channels] = x.shape;
  const [height, width] = [Math.floor(fullHeight / 2), Math.floor(fullWidth / 2)];
  const even = tf.slice(x, [0, 0, 0, 0], [count, 2 * height, 2 * width, channels]);
  const rows = tf.reshape(even, [count * height, 2, 2 * width * channels]) as tf.Tensor3D;
  const tall = pairMaximum(rows);
  const columns = tf.reshape(tall, [count * height * width, 2, channels]) as tf.Tensor3D;
  return tf.reshape(pairMaximum(columns), [count, height, width, channels]);
}

/** (A,2,B) → (A,B). */
function pairMaximum(pairs: tf.Tensor3D): tf.Tensor2D {
  const [a, , b] = pairs.shape;
  const first = tf.slice(pairs, [0, 0, 0], [a, 1, b]);
  const second = tf.slice(pairs, [0, 1, 0], [a, 1, b]);
  return tf.reshape(tf.maximum(first, second), [a, b]);
}

/** Every pixel becomes a factor×factor square: (N,H,W,C) → (N,fH,fW,C). */
export function upsampleNearest(x: tf.Tensor4D, factor: number): tf.Tensor4D {
  const [count, height, width, channels] = x.shape;
  const columns = repeatMiddle(tf.reshape(x, [count * height * width, 1, channels]), factor);
  const rows = repeatMiddle(tf.reshape(columns, [count * height, 1, width * factor * channels]), factor);
  return tf.reshape(rows, [count, height * factor, width * factor, channels]);
}

function repeatMiddle(x: tf.Tensor3D, times: number): tf.Tensor3D {
  return tf.concat(
    Array.from({ length: times }, () => x),
    1,
  );
}

/** Added to a variance before its root, as torch and ONNX do. */
export const LAYER_NORM_EPSILON = 1e-5;

/** Layer normalisation over the last axis. */
export function layerNorm(x: tf.Tensor2D, gain: tf.Tensor, bias: tf.Tensor): tf.Tensor2D {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, LAYER_NORM_EPSILON))), gain), bias);
}

/** The exact form, x·Φ(x). */
export function gelu<T extends tf.Tensor>(x: T): T {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

/** Added to squared lengths, so that a zero vector has a gradient. */
export const NORMALIZE_EPSILON = 1e-12;

/** Rows scaled to unit length. */
export function normalizeRows(x: tf.Tensor2D): tf.Tensor2D {
  return overRoot(x, tf.square(x));
}

/** Every row of the last axis of x divided by the root of the sum of its row in `terms`. */
export function overRoot<T extends tf.Tensor>(x: T, terms: tf.Tensor): T {
  return tf.mul(x, tf.rsqrt(tf.add(tf.sum(terms, -1, true), NORMALIZE_EPSILON)));
}
