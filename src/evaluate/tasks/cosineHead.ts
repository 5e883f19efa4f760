/**
 * Retraining of a head on frozen embeddings: a cosine classifier (one unit vector a class, softmax over scaled
 * cosines), as face recognisers are trained, without a margin.
 */
import * as tf from '@tensorflow/tfjs-core';
import { centroid } from '../../shared/l2.ts';
import { rowsOf, valuesOf } from './innerProducts.ts';

/** Factor of cosines in the softmax; 16–64 are usual, and unit vectors with few classes need little. */
const SCALE = 16;
const STEPS = 30;
const RATE = 0.5;
const MOMENTUM = 0.9;

/**
 * Class vectors, row-major classes × D, learned from labelled unit embeddings. They start at the class means, so that
 * zero steps are the nearest class mean, and are moved by the full batch: nothing is random.
 */
export function trainCosineHead(
  embeddings: readonly Float32Array[],
  labels: readonly number[],
  classes: number,
): Float32Array[] {
  const dim = embeddings[0]!.length;
  const means = Array.from({ length: classes }, (_, c) =>
    centroid(embeddings.filter((_, i) => labels[i] === c)),
  );
  const weights = valuesOf(() => {
    const x = tf.tensor2d(rowsOf(embeddings), [embeddings.length, dim]);
    const xt = tf.transpose(x);
    const wanted = tf.cast(tf.oneHot(tf.tensor1d(labels as number[], 'int32'), classes), 'float32');
    // Every class counts the same, however many embeddings it has.
    const counts = Array.from({ length: classes }, (_, c) => labels.filter((label) => label === c).length);
    const shares = tf.tensor2d(
      labels.map((label) => 1 / (counts[label]! * classes)),
      [labels.length, 1],
    );
    let w = tf.transpose(tf.tensor2d(rowsOf(means), [classes, dim]));
    let velocity = tf.zerosLike(w);
    for (let step = 0; step < STEPS; step++) {
      const before = [w, velocity];
      [w, velocity] = tf.tidy(() => {
        const probabilities = tf.softmax(tf.mul(tf.matMul(x, w), SCALE));
        const slope = tf.mul(tf.sub(probabilities, wanted), shares);
        const gradient = tf.matMul(xt, slope);
        const speed = tf.sub(tf.mul(velocity, MOMENTUM), tf.mul(gradient, RATE * SCALE));
        const moved = tf.add(w, speed);
        const unit = tf.div(moved, tf.norm(moved, 'euclidean', 0, true));
        return [unit, speed] as [tf.Tensor2D, tf.Tensor2D];
      });
      tf.dispose(before);
    }
    return tf.transpose(w);
  });
  return Array.from({ length: classes }, (_, c) =>
    Float32Array.from(weights.subarray(c * dim, (c + 1) * dim)),
  );
}
