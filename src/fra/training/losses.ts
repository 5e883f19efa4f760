/** Losses of the autoencoder and the combiner; each is a scalar, averaged over the batch. */
import * as tf from '@tensorflow/tfjs-core';
import { matMul } from '../networks/tensorOps.ts';

/** Binary cross-entropy of pixels: max(x,0) − x·t + log(1 + e^−|x|), which never overflows. */
export function binaryCrossEntropy(logits: tf.Tensor4D, targets: tf.Tensor4D): tf.Scalar {
  const softplus = tf.log1p(tf.exp(tf.neg(tf.abs(logits))));
  return tf.mean(tf.add(tf.sub(tf.relu(logits), tf.mul(logits, targets)), softplus));
}

/**
 * Multi-class N-pair loss (Sohn 2016, eq. 6) with the other rows as negatives: the cross-entropy of finding row i's
 * positive among all positives. `scale` multiplies the similarities: between unit vectors they span only −1…1,
 * where an unscaled softmax is nearly flat. anchors, positives (B,D).
 */
export function nPairLoss(anchors: tf.Tensor2D, positives: tf.Tensor2D, scale: number): tf.Scalar {
  const similarities: tf.Tensor2D = tf.mul(matMul(anchors, tf.transpose(positives)), scale); // (B,B)
  const own = tf.mul(tf.sum(tf.mul(anchors, positives), 1), scale); // (B)
  return tf.mean(tf.sub(logSumExp(similarities), own));
}

/** The same loss with one given negative a row (N = 2): log(1 + e^(s·(a·n − a·p))). All (B,D). */
export function pairLoss(
  anchors: tf.Tensor2D,
  positives: tf.Tensor2D,
  negatives: tf.Tensor2D,
  scale: number,
): tf.Scalar {
  const margin = tf.mul(tf.sum(tf.mul(anchors, tf.sub(negatives, positives)), 1), scale); // (B)
  const softplus = tf.add(tf.relu(margin), tf.log1p(tf.exp(tf.neg(tf.abs(margin)))));
  return tf.mean(softplus);
}

/**
 * The triplet form of the paper's public code: max(0, |a−p| − |a−n| + margin). Unit vectors are at most 2 apart, so
 * its margin of 10 never lets a triplet rest; use one below 2.
 */
export function tripletLoss(
  anchors: tf.Tensor2D,
  positives: tf.Tensor2D,
  negatives: tf.Tensor2D,
  margin: number,
): tf.Scalar {
  const difference = tf.sub(rowDistance(anchors, positives), rowDistance(anchors, negatives));
  return tf.mean(tf.relu(tf.add(difference, margin)));
}

/** 1 − cosine to the positive, for unit rows: half the squared distance. */
export function cosineLoss(anchors: tf.Tensor2D, positives: tf.Tensor2D): tf.Scalar {
  return tf.mean(tf.sub(1, tf.sum(tf.mul(anchors, positives), 1)));
}

/** Euclidean distance of rows; the small number keeps the root's gradient finite at 0. */
function rowDistance(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor1D {
  return tf.sqrt(tf.add(tf.sum(tf.square(tf.sub(a, b)), 1), 1e-12));
}

/** log Σ e^x over each row, (B,N) → (B). */
function logSumExp(x: tf.Tensor2D): tf.Tensor1D {
  const peak = tf.max(x, 1, true);
  return tf.add(tf.log(tf.sum(tf.exp(tf.sub(x, peak)), 1)), tf.reshape(peak, [x.shape[0]]));
}
