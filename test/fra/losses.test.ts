import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { openBackend } from '../../src/fra/backend.ts';
import {
  binaryCrossEntropy,
  cosineLoss,
  nPairLoss,
  pairLoss,
  tripletLoss,
} from '../../src/fra/training/losses.ts';

await openBackend('cpu', 1);

const value = (loss: tf.Scalar) => loss.dataSync()[0]!;
const close = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) < 1e-5, `expected ${expected}, found ${found}`);

// Two people on orthogonal axes.
const ANCHORS = [
  [1, 0],
  [0, 1],
];

test('binary cross-entropy is −log of the probability given to the right value, and finite for any logit', () => {
  const logits = tf.tensor4d([0, 2, -2, 200], [1, 2, 2, 1]);
  const targets = tf.tensor4d([1, 1, 0, 0], [1, 2, 2, 1]);
  const sure = Math.log(1 + Math.exp(-2));
  close(value(binaryCrossEntropy(logits, targets)), (Math.log(2) + sure + sure + 200) / 4);
});

test('the N-pair loss is the cross-entropy of finding the own positive among all', () => {
  // Similarities: row 0 → (0.6, 0.8), row 1 → (0.8, 0.6): both prefer the other person.
  const positives = tf.tensor2d([
    [0.6, 0.8],
    [0.8, 0.6],
  ]);
  const expected = Math.log(1 + Math.exp(10 * 0.8 - 10 * 0.6));
  close(value(nPairLoss(tf.tensor2d(ANCHORS), positives, 10)), expected);
});

test('the N-pair loss with one given negative is log(1 + e^(s·(a·n − a·p)))', () => {
  const positives = tf.tensor2d([
    [0.6, 0.8],
    [0, 1],
  ]);
  const negatives = tf.tensor2d([
    [1, 0],
    [1, 0],
  ]);
  const expected = (Math.log(1 + Math.exp(4 * 0.4)) + Math.log(1 + Math.exp(-4))) / 2;
  close(value(pairLoss(tf.tensor2d(ANCHORS), positives, negatives, 4)), expected);
});

test('a triplet rests when its negative is farther than its positive by the margin', () => {
  const positives = tf.tensor2d(ANCHORS);
  const negatives = tf.tensor2d([
    [0, 1],
    [1, 0],
  ]);
  close(value(tripletLoss(tf.tensor2d(ANCHORS), positives, negatives, 0.3)), 0);
  close(value(tripletLoss(tf.tensor2d(ANCHORS), negatives, positives, 0.3)), Math.SQRT2 + 0.3);
});

test('the alignment term is 0 on the target and 1 at a right angle', () => {
  close(value(cosineLoss(tf.tensor2d(ANCHORS), tf.tensor2d(ANCHORS))), 0);
  const turned = tf.tensor2d([
    [0, 1],
    [-1, 0],
  ]);
  close(value(cosineLoss(tf.tensor2d(ANCHORS), turned)), 1);
});
