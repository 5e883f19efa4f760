import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { openBackend } from '../../src/fra/backend.ts';
import { autoencoderSpecs, decode, encode, PAPER_AUTOENCODER } from '../../src/fra/networks/autoencoder.ts';
import {
  disposeWeights,
  initialWeights,
  type NamedWeights,
  trainableWeights,
} from '../../src/fra/networks/weights.ts';
import { imageTensor, reconstructionQuality } from '../../src/fra/training/autoencoderTask.ts';
import { scaleCodes } from '../../src/fra/training/codeScale.ts';
import { correlation, judgeVariants, openPoseReader } from '../../src/fra/training/evaluate.ts';
import { drawLandmarkImage } from '../../src/shared/landmarkImage.ts';
import { seededRandom } from '../../src/shared/random.ts';
import { headRotation, headShape, LANDMARK_DEPTH } from '../../src/training/headModel.ts';
import { varyLandmarks } from '../../src/training/landmarkVariation.ts';
import { frontalLandmarks } from '../helpers/frontalLandmarks.ts';

await openBackend('cpu', 1);
const shapes = [headShape(frontalLandmarks(0, 0, 60))];

test('scaled codes are the codes times the factor, and the drawings stay the same', () => {
  const random = seededRandom(2);
  const named = new Map(
    Array.from(initialWeights(autoencoderSpecs(PAPER_AUTOENCODER), 1), ([name, { shape, values }]) => [
      name,
      { shape, values: values.map((value) => value + 0.01 * (random() - 0.5)) },
    ]),
  );
  const images = [1, 2, 3].map((seed) => drawLandmarkImage(varyLandmarks(shapes, seededRandom(seed))));
  const run = (weights: NamedWeights) => {
    const tensors = trainableWeights(weights);
    const result = tf.tidy(() => {
      const codes = encode(tensors, PAPER_AUTOENCODER, imageTensor(images));
      const drawn = decode(tensors, PAPER_AUTOENCODER, codes);
      return { codes: codes.dataSync(), drawn: drawn.dataSync() };
    });
    disposeWeights(tensors);
    return result;
  };
  const [plain, scaled] = [run(named), run(scaleCodes(named, PAPER_AUTOENCODER, 0.25))];
  plain.codes.forEach((value, i) => {
    assert.ok(Math.abs(0.25 * value - scaled.codes[i]!) < 1e-5);
  });
  plain.drawn.forEach((value, i) => {
    assert.ok(Math.abs(value - scaled.drawn[i]!) < 1e-5);
  });
});

test('reconstruction quality counts a network that draws nothing as an overlap of 0', () => {
  const named = initialWeights(autoencoderSpecs(PAPER_AUTOENCODER), 1);
  const silent = new Map(named);
  silent.set('decoder.5.weight', { shape: [3, 3, 4, 1], values: new Float32Array(36) });
  silent.set('decoder.5.bias', { shape: [1], values: Float32Array.of(-20) });
  const image = drawLandmarkImage(frontalLandmarks(0, 0, 60));
  const tensors = trainableWeights(silent);
  const { iou, mse } = reconstructionQuality(tensors, PAPER_AUTOENCODER, [image]);
  disposeWeights(tensors);
  assert.equal(iou, 0);
  assert.ok(Math.abs(mse - image.reduce((sum, value) => sum + value, 0) / image.length) < 1e-6);
});

test('the pose reader tells yaw from drawings it has not seen', () => {
  const posed = (yaw: number) => {
    const rotate = headRotation(yaw, 0);
    const shape = shapes[0]!;
    const points = new Float32Array(136);
    for (let i = 0; i < 68; i++) {
      const [x, y] = rotate(shape[2 * i]!, shape[2 * i + 1]!, LANDMARK_DEPTH[i]!);
      points.set([x, y], 2 * i);
    }
    return { image: drawLandmarkImage(points), yaw, pitch: 0 };
  };
  const read = openPoseReader(Array.from({ length: 61 }, (_, i) => posed(2 * i - 60)));
  for (const yaw of [-45, -21, 1, 33]) assert.ok(Math.abs(read(posed(yaw).image).yaw - yaw) <= 6);
});

test('correlation is 1 for a rising line, −1 for a falling one, 0 where nothing varies', () => {
  assert.ok(Math.abs(correlation([1, 2, 3], [10, 20, 30]) - 1) < 1e-12);
  assert.ok(Math.abs(correlation([1, 2, 3], [3, 2, 1]) + 1) < 1e-12);
  assert.equal(correlation([1, 1, 1], [1, 2, 3]), 0);
});

test('a judgement counts who is nearest, among all people and among validation people', () => {
  const axis = (i: number) => Float32Array.from({ length: 4 }, (_, k) => (k === i ? 1 : 0));
  const centroids = new Map(['a', 'b', 'c', 'd'].map((name, i) => [name, axis(i)]));
  // The variant of b lies nearer to d, who does not validate.
  const lost = Float32Array.of(0, 0.6, 0, 0.8);
  const common = { shuffled: axis(3), meanOffset: axis(1), source: axis(0), target: axis(0) };
  const { metrics, minSimilarity } = judgeVariants(
    [
      { subjectId: 'a', variant: axis(0).map((value) => 2 * value), ...common },
      { subjectId: 'b', variant: lost, ...common },
    ],
    centroids,
    new Set(['a', 'b', 'c']),
    [1, 1],
    [axis(0), axis(1)],
  );
  assert.equal(metrics.rank1, 0.5);
  assert.equal(metrics.rank1Validation, 1);
  assert.ok(Math.abs(metrics.meanNorm - 1.5) < 1e-6);
  assert.ok(Math.abs(metrics.similarityToTarget - 0.5) < 1e-6);
  assert.equal(minSimilarity, 0.8);
  assert.equal(metrics.keptShare, 0.5);
});

test('where variants lie is judged by their directions, which is what a table holds', () => {
  const axis = (i: number) => Float32Array.from({ length: 4 }, (_, k) => (k === i ? 1 : 0));
  const judged = (factor: number) => {
    const variants = [0, 1].map((i) => ({
      subjectId: 'ab'[i]!,
      variant: axis(i).map((value) => factor * value),
      ...{ shuffled: axis(3), meanOffset: axis(i), source: axis(i), target: axis(i) },
    }));
    const centroids = new Map(['a', 'b', 'c'].map((person, i) => [person, axis(i)]));
    const real = [axis(0), axis(1)];
    return judgeVariants(variants, centroids, new Set(['a', 'b']), [1, 1], real).metrics;
  };
  for (const factor of [1, 0.5]) {
    const { meanShift, varianceRatio, meanNorm } = judged(factor);
    assert.deepEqual([meanShift, varianceRatio, meanNorm], [0, 1, factor]);
  }
});
