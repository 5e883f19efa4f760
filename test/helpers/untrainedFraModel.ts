/** A FRA model folder with random weights: right in form, meaningless in content. */

import type { VitConfig } from '../../src/fra/generators/generatorConfig.ts';
import { openGenerator } from '../../src/fra/generators/generators.ts';
import { defaultVit } from '../../src/fra/generators/vit.ts';
import type { FraCard } from '../../src/fra/modelCard.ts';
import { autoencoderSpecs, PAPER_AUTOENCODER } from '../../src/fra/networks/autoencoder.ts';
import { initialWeights } from '../../src/fra/networks/weights.ts';
import type { PostureBank } from '../../src/fra/postureBank.ts';
import { writeFraModel } from '../../src/fra/writeFraModel.ts';
import { POSTURE_DIM } from '../../src/shared/face.ts';
import { randomNormal, seededRandom } from '../../src/shared/random.ts';

export interface UntrainedFraOptions {
  /** Registry name and digest of the recogniser the model claims to belong to. */
  readonly recognizer: { readonly name: string; readonly sha256: string; readonly embedDim: number };
  readonly postures?: number;
  readonly seed?: number;
  readonly minSimilarity?: number;
  /** Changes to the combiner, e.g. a smaller depth. */
  readonly combiner?: Partial<VitConfig>;
  /** Default: code. */
  readonly posture?: FraCard['architecture']['posture'];
}

/** Writes the folder and returns its card. */
export async function writeUntrainedFraModel(folder: string, options: UntrainedFraOptions): Promise<FraCard> {
  const seed = options.seed ?? 0;
  const combiner = { ...defaultVit('vit', options.recognizer.embedDim), ...options.combiner };
  return writeFraModel(folder, {
    card: {
      name: 'untrained',
      summary: 'Random weights, for tests',
      recognizer: options.recognizer,
      architecture: {
        autoencoder: { channels: [...PAPER_AUTOENCODER.channels] },
        posture: options.posture ?? 'code',
        combiner,
      },
      training: {
        data: 'none',
        licence: 'none',
        credit: '',
        subjects: 0,
        validationSubjects: 0,
        photographs: 0,
        renders: 0,
        subjectDigests: [],
        validationDigests: [],
        photographDigests: [],
        cropHashes: [],
        seed,
        command: 'none',
        backend: 'none',
        autoencoderSteps: 0,
        combinerSteps: 0,
        loss: 'none',
        without: [],
        peopleLimit: null,
        autoencoderFrom: null,
        choices: [],
        minutes: 0,
      },
      metrics: NO_METRICS,
      minSimilarity: options.minSimilarity ?? -1,
      limits: ['It was never trained.'],
    },
    autoencoder: initialWeights(autoencoderSpecs(PAPER_AUTOENCODER), seed),
    combiner: initialWeights(openGenerator(combiner).specs, seed),
    bank: randomBank(options.postures ?? 40, seed),
  });
}

const NO_RETRIEVAL = { queries: 0, gallery: 0, rank1: 0, rank1Interval: { low: 0, high: 0 }, loss: 0 };

const NO_METRICS: FraCard['metrics'] = {
  reconstruction: { images: 0, mse: 0, iou: 0, yawCorrelation: 0, pitchCorrelation: 0, yawErrorDegrees: 0 },
  combiner: {
    variants: 0,
    validationSubjects: 0,
    rank1: 0,
    rank1Validation: 0,
    similarityToTarget: 0,
    sourceSimilarityToTarget: 0,
    meanOffsetSimilarityToTarget: 0,
    similarityToSource: 0,
    shuffledPostureSimilarityToTarget: 0,
    retrieval: NO_RETRIEVAL,
    shuffledPosture: NO_RETRIEVAL,
    removedPosture: NO_RETRIEVAL,
    similarityToCentroid: 0,
    realSimilarityToCentroid: 0,
    keptShare: 0,
    meanNorm: 0,
    normSpread: 0,
    meanShift: 0,
    varianceRatio: 0,
  },
};

/** Postures with random codes, poses spread over yaw −60…60 and pitch −20…20. */
export function randomBank(postures: number, seed: number): PostureBank {
  const random = seededRandom(seed, 'bank');
  const column = (value: (i: number) => number) =>
    Float32Array.from({ length: postures }, (_, i) => value(i));
  return {
    ids: Array.from({ length: postures }, (_, i) => `posture-${String(i).padStart(4, '0')}`),
    codes: Float32Array.from({ length: postures * POSTURE_DIM }, () => Math.abs(randomNormal(random)) / 22),
    yaw: column((i) => -60 + (120 * i) / Math.max(1, postures - 1)),
    pitch: column((i) => 20 * ((i % 3) - 1)),
    roll: column(() => 0),
  };
}
