/** A trained autoencoder applied to samples: their posture codes, and how well validation pictures are redrawn. */
import type { FraMetrics } from '../fra/modelCard.ts';
import { type AutoencoderConfig, encode } from '../fra/networks/autoencoder.ts';
import { valuesOf } from '../fra/networks/tensorOps.ts';
import { disposeWeights, type NamedWeights, trainableWeights } from '../fra/networks/weights.ts';
import { imageTensor, reconstructionQuality } from '../fra/training/autoencoderTask.ts';
import { scaleCodes } from '../fra/training/codeScale.ts';
import { openPoseReader } from '../fra/training/poseOfImage.ts';
import { correlation, mean } from '../fra/training/statistics.ts';
import { dot } from '../shared/l2.ts';
import { drawLandmarkImage } from '../shared/landmarkImage.ts';
import type { TrainingSample } from './samples.ts';

const BATCH = 32;

/**
 * Computes everybody's codes. With `scale` the autoencoder is changed first, so that codes of training people have a
 * mean squared length of 1; one from a FRA model is so already.
 */
export function encodeSamples(
  weights: NamedWeights,
  network: AutoencoderConfig,
  samples: readonly TrainingSample[],
  training: readonly TrainingSample[],
  scale: boolean,
): { autoencoder: NamedWeights; codes: Float32Array[] } {
  const tensors = trainableWeights(weights);
  const raw: Float32Array[] = [];
  for (let start = 0; start < samples.length; start += BATCH) {
    const images = samples.slice(start, start + BATCH).map(({ landmarks }) => drawLandmarkImage(landmarks));
    const values = valuesOf(() => encode(tensors, network, imageTensor(images)));
    const width = values.length / images.length;
    images.forEach((_, i) => {
      raw.push(Float32Array.from(values.subarray(i * width, (i + 1) * width)));
    });
  }
  disposeWeights(tensors);
  if (!scale) return { autoencoder: weights, codes: raw };
  const known = new Set(training);
  const squares = raw.filter((_, i) => known.has(samples[i]!)).map((code) => dot(code, code));
  const factor = 1 / Math.sqrt(Math.max(mean(squares), 1e-12));
  return {
    autoencoder: scaleCodes(weights, network, factor),
    codes: raw.map((code) => code.map((value) => value * factor)),
  };
}

/** Known pictures that a pose is read by: more are only slower. */
const KNOWN_PICTURES = 3000;
/** Pictures shown of a reconstruction. */
const EXAMPLES = 12;

/** Reconstruction errors on validation people, and whether their pose can still be read. */
export function judgeReconstruction(
  weights: NamedWeights,
  network: AutoencoderConfig,
  training: readonly TrainingSample[],
  validation: readonly TrainingSample[],
): {
  metrics: FraMetrics['reconstruction'];
  examples: { original: Float32Array; redrawn: Float32Array }[];
} {
  const tensors = trainableWeights(weights);
  const images = validation.map(({ landmarks }) => drawLandmarkImage(landmarks));
  const step = Math.max(1, Math.floor(training.length / KNOWN_PICTURES));
  const known = training.filter((_, i) => i % step === 0);
  const readPose = openPoseReader(
    known.map(({ landmarks, pose }) => ({
      image: drawLandmarkImage(landmarks),
      yaw: pose.yaw,
      pitch: pose.pitch,
    })),
  );
  const read: { yaw: number; pitch: number }[] = [];
  const examples: { original: Float32Array; redrawn: Float32Array }[] = [];
  // Steps that are no multiple of the renders of a photograph: every example shows another pose.
  const every = Math.floor(images.length / EXAMPLES) + 7;
  const shown = new Set(Array.from({ length: EXAMPLES }, (_, k) => (k * every) % images.length));
  const { mse, iou } = reconstructionQuality(tensors, network, images, (original, redrawn, i) => {
    read.push(readPose(redrawn));
    if (shown.has(i)) examples.push({ original, redrawn });
  });
  disposeWeights(tensors);
  const yaws = validation.map(({ pose }) => pose.yaw);
  return {
    examples,
    metrics: {
      images: images.length,
      mse,
      iou,
      yawCorrelation: correlation(
        read.map(({ yaw }) => yaw),
        yaws,
      ),
      pitchCorrelation: correlation(
        read.map(({ pitch }) => pitch),
        validation.map(({ pose }) => pose.pitch),
      ),
      yawErrorDegrees: mean(read.map(({ yaw }, i) => Math.abs(yaw - yaws[i]!))),
    },
  };
}
