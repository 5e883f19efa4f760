import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBackend } from '../../src/fra/backend.ts';
import { autoencoderSpecs, PAPER_AUTOENCODER } from '../../src/fra/networks/autoencoder.ts';
import { disposeWeights, initialWeights, trainableWeights } from '../../src/fra/networks/weights.ts';
import { reconstructionQuality } from '../../src/fra/training/autoencoderTask.ts';
import { drawLandmarkImage } from '../../src/shared/landmarkImage.ts';
import { frontalLandmarks } from '../helpers/frontalLandmarks.ts';

await openBackend('cpu', 1);

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
