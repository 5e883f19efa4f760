/**
 * The FRA networks on TensorFlow.js instead of ONNX Runtime: for nodes whose GPU only TensorFlow can use (CUDA 11), and
 * to hold the two engines against each other. The definitions are those that training uses; the weights are read from
 * the model's ONNX files.
 */
import { readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs-core';
import { openBackend, type TrainingDevice } from '../../fra/backend.ts';
import { readAutoencoder } from '../../fra/export/exportAutoencoder.ts';
import { openFraModel } from '../../fra/fraModel.ts';
import { readGeneratorWeights } from '../../fra/generators/exportGenerator.ts';
import { openGenerator } from '../../fra/generators/generators.ts';
import { encode } from '../../fra/networks/autoencoder.ts';
import { valuesOf } from '../../fra/networks/tensorOps.ts';
import { disposeWeights, trainableWeights } from '../../fra/networks/weights.ts';
import { CROP_SIZE, POSTURE_DIM } from '../../shared/face.ts';
import { normalizeInPlace } from '../../shared/l2.ts';
import type { Combiner } from './combiner.ts';
import type { PostureEncoder } from './postureEncoder.ts';

export interface TfjsFra {
  readonly encoder: PostureEncoder;
  readonly combiner: Combiner;
  close(): Promise<void>;
}

/**
 * Opens the networks of a FRA model folder in this thread.
 *
 * @throws ConfigError when `device` is cuda and TensorFlow lists no GPU: it never falls back to the CPU.
 */
export async function openTfjsFra(folder: string, device: TrainingDevice): Promise<TfjsFra> {
  await openBackend(device, 1);
  const { card, paths } = await openFraModel(folder);
  const { autoencoder, combiner } = card.architecture;
  const generator = openGenerator(combiner);
  const encoderWeights = trainableWeights(
    readAutoencoder(await readFile(paths.encoder), await readFile(paths.decoder), autoencoder),
  );
  const combinerWeights = trainableWeights(
    readGeneratorWeights(await readFile(paths.combiner), generator, paths.combiner),
  );
  const close = async (): Promise<void> => {};
  return {
    encoder: {
      async encode(images) {
        const input = new Float32Array(images.length * CROP_SIZE * CROP_SIZE);
        images.forEach((image, i) => {
          input.set(image, i * CROP_SIZE * CROP_SIZE);
        });
        const values = valuesOf(() => {
          const pictures = tf.tensor4d(input, [images.length, CROP_SIZE, CROP_SIZE, 1]);
          return encode(encoderWeights, autoencoder, pictures);
        });
        return images.map((_, i) => values.slice(i * POSTURE_DIM, (i + 1) * POSTURE_DIM));
      },
      close,
    },
    combiner: {
      async combine(identities, postures) {
        const rows = postures.length / POSTURE_DIM;
        const dim = identities.length / rows;
        const embeddings = valuesOf(() =>
          generator.forward(
            combinerWeights,
            tf.tensor2d(identities, [rows, dim]),
            tf.tensor2d(postures, [rows, POSTURE_DIM]),
          ),
        );
        // As the ONNX combiner: what leaves here is always of unit length.
        for (let row = 0; row < rows; row++)
          normalizeInPlace(embeddings.subarray(row * dim, (row + 1) * dim));
        return embeddings;
      },
      close,
    },
    async close() {
      disposeWeights(encoderWeights);
      disposeWeights(combinerWeights);
    },
  };
}
