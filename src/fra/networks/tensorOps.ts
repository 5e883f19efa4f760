/**
 * The operations the networks are made of, on kernels every backend has. tfjs-wasm has no gradient kernel of a
 * convolution, a max-pooling or an enlargement, and multiplies matrices fast only when none is transposed, so their
 * gradients are made of other kernels here. Where a backend has the gradient kernels they are used; a test holds the two
 * equal.
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
): tf.Tensor4D {
  const kernel = weight as tf.Tensor4D;
  // The native library differentiates 'same' and 'valid' only; a 3×3 kernel with one pixel around is 'same'.
  const same = stride === 1 && padding > 0 && kernel.shape[0] === 2 * padding + 1;
  const whole = same || padding === 0 ? x : tf.pad(x, aroundPixels(padding));
  const product = differentiatesConvolutions()
    ? tf.conv2d(whole, kernel, stride, same ? 'same' : 'valid')
    : composedConvolution(whole, kernel, stride, same ? padding : 0);
  return tf.add(product, bias);
}

/** Whether the current backend has the gradient kernels of a convolution and of max-pooling. */
export function differentiatesConvolutions(): boolean {
  return tf.getKernel('Conv2DBackpropFilter', tf.getBackend()) !== undefined;
}

/** The backend's convolution with a gradient made of other kernels. `padding`: as 'same' adds it; 0 with a stride. */
export function composedConvolution(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  stride: number,
  padding: number,
): tf.Tensor4D {
  const convolution = tf.customGrad((...args) => {
    const [pixels, weight, save] = args as unknown as [tf.Tensor4D, tf.Tensor4D, tf.GradSaveFunc];
    save([pixels, weight]);
    return {
      value: tf.conv2d(pixels, weight, stride, padding === 0 ? 'valid' : 'same'),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [inputs, weights] = saved as [tf.Tensor4D, tf.Tensor4D];
        const slope = dy as tf.Tensor4D;
        return [
          inputGradient(slope, weights, inputs.shape, stride, padding),
          kernelGradient(inputs, slope, weights.shape, stride, padding),
        ];
      },
    };
  });
  return convolution(x, kernel) as tf.Tensor4D;
}

/** dy (N,H',W',O) spread over the pixels (N,H,W,I) that the kernel saw. */
function inputGradient(
  dy: tf.Tensor4D,
  kernel: tf.Tensor4D,
  shape: tf.Tensor4D['shape'],
  stride: number,
  padding: number,
): tf.Tensor4D {
  if (stride > 1) return tf.conv2dTranspose(dy, kernel, shape, stride, 'valid');
  // The same by a convolution with the kernel turned around, for which the backend has a fast kernel.
  const around = kernel.shape[0] - 1 - padding;
  const turned = tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2]);
  return tf.conv2d(around === 0 ? dy : tf.pad(dy, aroundPixels(around)), turned, 1, 'valid');
}

/**
 * Σ over pixels of what a place of the kernel saw, times dy (N,H',W',O) → (kh,kw,I,O). It is a convolution too: pictures
 * are channels, and dy is the kernel.
 */
function kernelGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  [kh, kw, inputs, outputs]: tf.Tensor4D['shape'],
  stride: number,
  padding: number,
): tf.Tensor4D {
  const padded = padding === 0 ? x : tf.pad(x, aroundPixels(padding));
  const [seen, slopes] = [tf.transpose(padded, [3, 1, 2, 0]), tf.transpose(dy, [1, 2, 0, 3])];
  const places = tf.conv2d(seen, slopes, 1, 'valid', 'NHWC', stride);
  // A stride may leave lines that the kernel never saw.
  return tf.slice(tf.transpose(places, [1, 2, 0, 3]), [0, 0, 0, 0], [kh, kw, inputs, outputs]);
}

function aroundPixels(padding: number): [number, number][] {
  return [
    [0, 0],
    [padding, padding],
    [padding, padding],
    [0, 0],
  ];
}

/** Maximum of every 2×2 square: (N,H,W,C) → (N,⌊H/2⌋,⌊W/2⌋,C). */
export function maxPool2(x: tf.Tensor4D): tf.Tensor4D {
  return differentiatesConvolutions() ? tf.maxPool(x, 2, 2, 'valid') : composedMaxPool2(x);
}

/** The backend's pooling with a gradient made of other kernels: to the largest pixels of a square, alike. */
export function composedMaxPool2(x: tf.Tensor4D): tf.Tensor4D {
  const pool = tf.customGrad((...args) => {
    const [pixels, save] = args as unknown as [tf.Tensor4D, tf.GradSaveFunc];
    const value = tf.maxPool(pixels, 2, 2, 'valid');
    save([pixels, value]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [whole, largest] = saved as [tf.Tensor4D, tf.Tensor4D];
        const [count, fullHeight, fullWidth, channels] = whole.shape;
        const [height, width] = [2 * largest.shape[1], 2 * largest.shape[2]];
        const spread = (t: tf.Tensor4D) => tf.image.resizeNearestNeighbor(t, [height, width]);
        const squares = tf.slice(whole, [0, 0, 0, 0], [count, height, width, channels]);
        const isLargest = tf.cast(tf.equal(squares, spread(largest)), 'float32') as tf.Tensor4D;
        const alike = tf.mul(tf.avgPool(isLargest, 2, 2, 'valid'), 4);
        const slope = tf.mul(isLargest, spread(tf.div(dy, alike) as tf.Tensor4D));
        return tf.pad(slope, [
          [0, 0],
          [0, fullHeight - height],
          [0, fullWidth - width],
          [0, 0],
        ]);
      },
    };
  });
  return pool(x) as tf.Tensor4D;
}

/** Every pixel becomes a factor×factor square: (N,H,W,C) → (N,fH,fW,C). */
export function upsampleNearest(x: tf.Tensor4D, factor: number): tf.Tensor4D {
  const [, height, width] = x.shape;
  const enlarge = tf.customGrad((pixels) => ({
    value: tf.image.resizeNearestNeighbor(pixels as tf.Tensor4D, [factor * height, factor * width]),
    gradFunc: (dy: tf.Tensor) =>
      tf.mul(tf.avgPool(dy as tf.Tensor4D, factor, factor, 'valid'), factor * factor),
  }));
  return enlarge(x) as tf.Tensor4D;
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
  const squares = tf.sum(tf.square(x), -1, true);
  return tf.mul(x, tf.rsqrt(tf.add(squares, NORMALIZE_EPSILON)));
}
