/**
 * The autoencoder of the paper (arXiv 2301.11986, section 3.2): a binary landmark image becomes a posture code of
 * 512 values and is drawn again from it. Pictures are (N,112,112,1) here; the exported graphs take (N,1,112,112).
 */
import * as tf from '@tensorflow/tfjs-core';
import { POSTURE_DIM } from '../../shared/face.ts';
import { type Dropout, noDropout } from './dropout.ts';
import { convolve, maxPool2, upsampleNearest } from './tensorOps.ts';
import { type WeightSpecs, type Weights, weight } from './weights.ts';

export interface AutoencoderConfig {
  /** Outputs of the six encoder convolutions; the paper's by default. The last is the posture code. */
  readonly channels: readonly number[];
}

export const PAPER_AUTOENCODER: AutoencoderConfig = { channels: [4, 16, 64, 128, 256, POSTURE_DIM] };

/** One decoder step: nearest-neighbour enlargement, then a convolution. */
export interface DecoderStep {
  readonly upsample: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly inputs: number;
  readonly outputs: number;
}

/** Sides 1 → 4 → 3 → 9 → 7 → 14 → 28 → 56 → 112, as the paper's numbers come out. */
export function decoderSteps({ channels }: AutoencoderConfig): DecoderStep[] {
  const [c0, c1, c2, c3, c4, c5] = channels as [number, number, number, number, number, number];
  return [
    { upsample: 4, kernel: 2, stride: 3, padding: 2, inputs: c5, outputs: c4 },
    { upsample: 3, kernel: 3, stride: 1, padding: 0, inputs: c4, outputs: c3 },
    { upsample: 2, kernel: 3, stride: 1, padding: 1, inputs: c3, outputs: c2 },
    { upsample: 2, kernel: 3, stride: 1, padding: 1, inputs: c2, outputs: c1 },
    { upsample: 2, kernel: 3, stride: 1, padding: 1, inputs: c1, outputs: c0 },
    { upsample: 2, kernel: 3, stride: 1, padding: 1, inputs: c0, outputs: 1 },
  ];
}

export function autoencoderSpecs(config: AutoencoderConfig): WeightSpecs {
  const specs: Record<string, WeightSpecs[string]> = {};
  const addConvolution = (name: string, kernel: number, inputs: number, outputs: number) => {
    // He start: ReLU halves the variance.
    const normal = Math.sqrt(2 / (kernel * kernel * inputs));
    specs[`${name}.weight`] = { shape: [kernel, kernel, inputs, outputs], init: { normal } };
    specs[`${name}.bias`] = { shape: [outputs], init: { constant: 0 } };
  };
  config.channels.forEach((outputs, i) => {
    addConvolution(`encoder.${i}`, 3, i === 0 ? 1 : config.channels[i - 1]!, outputs);
  });
  decoderSteps(config).forEach((step, i) => {
    addConvolution(`decoder.${i}`, step.kernel, step.inputs, step.outputs);
  });
  return specs;
}

/**
 * images (N,112,112,1) → posture codes (N,512), all ≥ 0 (the last step is a ReLU).
 *
 * @param dropout called between a convolution and its ReLU.
 */
export function encode(
  weights: Weights,
  config: AutoencoderConfig,
  images: tf.Tensor4D,
  dropout: Dropout = noDropout,
): tf.Tensor2D {
  let x = images;
  for (let i = 0; i < config.channels.length; i++) {
    x = convolve(x, weight(weights, `encoder.${i}.weight`), weight(weights, `encoder.${i}.bias`), {
      padding: 1,
    });
    x = maxPool2(tf.relu(dropout(x)));
  }
  return tf.reshape(x, [images.shape[0], config.channels.at(-1)!]);
}

/** posture codes (N,512) → logits of the drawn pixels (N,112,112,1); their sigmoid is the picture. */
export function decodeLogits(weights: Weights, config: AutoencoderConfig, codes: tf.Tensor2D): tf.Tensor4D {
  let x: tf.Tensor4D = tf.reshape(codes, [codes.shape[0], 1, 1, codes.shape[1]]);
  const steps = decoderSteps(config);
  steps.forEach((step, i) => {
    x = upsampleNearest(x, step.upsample);
    x = convolve(x, weight(weights, `decoder.${i}.weight`), weight(weights, `decoder.${i}.bias`), step);
    if (i < steps.length - 1) x = tf.relu(x);
  });
  return x;
}

/** posture codes (N,512) → drawn pictures (N,112,112,1), values 0–1. */
export function decode(weights: Weights, config: AutoencoderConfig, codes: tf.Tensor2D): tf.Tensor4D {
  return tf.sigmoid(decodeLogits(weights, config, codes));
}
