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
import { imageTensor } from '../../src/fra/training/autoencoderTask.ts';
import { scaleCodes } from '../../src/fra/training/codeScale.ts';
import { drawLandmarkImage } from '../../src/shared/landmarkImage.ts';
import { seededRandom } from '../../src/shared/random.ts';
import { headShape } from '../../src/training/headModel.ts';
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
