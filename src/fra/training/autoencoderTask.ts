/** Training of the autoencoder: landmark images are drawn again from their own codes. */
import * as tf from '@tensorflow/tfjs-core';
import { CROP_SIZE, type Landmarks68 } from '../../shared/face.ts';
import { drawLandmarkImage, intersectionOverUnion } from '../../shared/landmarkImage.ts';
import { type Random, seededRandom } from '../../shared/random.ts';
import {
  type AutoencoderConfig,
  autoencoderSpecs,
  decode,
  decodeLogits,
  encode,
} from '../networks/autoencoder.ts';
import { valuesOf } from '../networks/tensorOps.ts';
import { initialWeights, type Weights } from '../networks/weights.ts';
import type { TrainingTask } from './loop.ts';
import { binaryCrossEntropy } from './losses.ts';

export interface AutoencoderTaskOptions {
  readonly network: AutoencoderConfig;
  readonly seed: number;
  readonly batchSize: number;
  /** One landmark set to learn from, of training people. */
  readonly sample: (random: Random) => Landmarks68;
  /** Landmark sets of validation people. */
  readonly validation: readonly Landmarks68[];
  /** Who trains and who validates, each as one digest (`peopleDigest`). */
  readonly trainingPeople: string;
  readonly validationPeople: string;
}

export function autoencoderTask(options: AutoencoderTaskOptions): TrainingTask<tf.Tensor4D> {
  const { network, seed, batchSize } = options;
  const validationImages = options.validation.map(drawLandmarkImage);
  return {
    config: {
      ...{ network, seed, batchSize, validation: validationImages.length },
      trainingPeople: options.trainingPeople,
      validationPeople: options.validationPeople,
    },
    initial: () => initialWeights(autoencoderSpecs(network), seed),
    batch: (step) => {
      const random = seededRandom(seed, 'autoencoder', step);
      return imageTensor(Array.from({ length: batchSize }, () => drawLandmarkImage(options.sample(random))));
    },
    losses: (weights, images, dropout) => ({
      reconstruction: binaryCrossEntropy(
        decodeLogits(weights, network, encode(weights, network, images, dropout)),
        images,
      ),
    }),
    validate: (weights) => {
      const { mse, iou, bce } = reconstructionQuality(weights, network, validationImages);
      return { score: bce, measures: { mse, iou } };
    },
  };
}

/** Pictures as one tensor (N,112,112,1). */
export function imageTensor(images: readonly Float32Array[]): tf.Tensor4D {
  const values = new Float32Array(images.length * CROP_SIZE * CROP_SIZE);
  images.forEach((image, i) => {
    values.set(image, i * CROP_SIZE * CROP_SIZE);
  });
  return tf.tensor4d(values, [images.length, CROP_SIZE, CROP_SIZE, 1]);
}

export interface ReconstructionQuality {
  readonly mse: number;
  readonly bce: number;
  /** Mean intersection over union of drawn and redrawn pixels, threshold 0.5. */
  readonly iou: number;
}

const EVALUATION_BATCH = 32;

type RedrawnVisitor = (original: Float32Array, redrawn: Float32Array, index: number) => void;

/** Reconstruction errors averaged over pictures; `visit` sees every picture and what was drawn of it. */
export function reconstructionQuality(
  weights: Weights,
  network: AutoencoderConfig,
  images: readonly Float32Array[],
  visit: RedrawnVisitor = () => {},
): ReconstructionQuality {
  let [mse, bce, iou] = [0, 0, 0];
  redraw(weights, network, images, (original, redrawn, i) => {
    mse += squaredError(original, redrawn);
    bce += crossEntropy(original, redrawn);
    iou += intersectionOverUnion(original, redrawn);
    visit(original, redrawn, i);
  });
  return { mse: mse / images.length, bce: bce / images.length, iou: iou / images.length };
}

/** Encodes and decodes pictures in small batches. */
function redraw(
  weights: Weights,
  network: AutoencoderConfig,
  images: readonly Float32Array[],
  visit: RedrawnVisitor,
): void {
  const pixels = CROP_SIZE * CROP_SIZE;
  for (let start = 0; start < images.length; start += EVALUATION_BATCH) {
    const part = images.slice(start, start + EVALUATION_BATCH);
    const values = valuesOf(() => decode(weights, network, encode(weights, network, imageTensor(part))));
    part.forEach((image, i) => {
      visit(image, Float32Array.from(values.subarray(i * pixels, (i + 1) * pixels)), start + i);
    });
  }
}

/** Mean squared error of pixels. */
function squaredError(original: Float32Array, redrawn: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < original.length; i++) sum += (original[i]! - redrawn[i]!) ** 2;
  return sum / original.length;
}

function crossEntropy(original: Float32Array, redrawn: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < original.length; i++) {
    const probability = original[i] === 1 ? redrawn[i]! : 1 - redrawn[i]!;
    sum -= Math.log(Math.max(probability, 1e-7));
  }
  return sum / original.length;
}
