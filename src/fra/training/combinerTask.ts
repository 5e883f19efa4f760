/** Training of the combiner: identity and posture of one row go in, the row's target embedding should come out. */
import * as tf from '@tensorflow/tfjs-core';
import { POSTURE_DIM } from '../../shared/face.ts';
import { dot } from '../../shared/l2.ts';
import { seededRandom } from '../../shared/random.ts';
import { type CombinerConfig, combine, combinerSpecs } from '../networks/combiner.ts';
import { initialWeights, type Weights } from '../networks/weights.ts';
import type { TrainingTask } from './loop.ts';
import { cosineLoss, nPairLoss, pairLoss, tripletLoss } from './losses.ts';
import { choosePairs, indexPairs, inventPerson, type PairSample } from './pairs.ts';

export const COMBINER_LOSSES = ['n-pair', 'triplet'] as const;
export type CombinerLoss = (typeof COMBINER_LOSSES)[number];

export interface CombinerTermWeights {
  /** Negatives: other people. */
  readonly identity: number;
  /** Negatives: the same person at another pose. */
  readonly pose: number;
  /** Negatives: the same person at the same pose in another photograph. */
  readonly photograph: number;
  /** 1 − cosine to the target, beside the terms that compare. */
  readonly alignment: number;
}

export interface CombinerTaskOptions {
  readonly network: CombinerConfig;
  readonly seed: number;
  /** People in a batch. */
  readonly batchSize: number;
  readonly loss: CombinerLoss;
  /** Factor of similarities in the N-pair terms. */
  readonly scale: number;
  /** Margin of the triplet terms, in distance between unit vectors (0–2). */
  readonly margin: number;
  /** Share of rows that show a person who does not exist (`inventPerson`). */
  readonly inventedShare: number;
  /** Factors of the loss terms. */
  readonly weights: CombinerTermWeights;
  /** Of training people. */
  readonly samples: readonly PairSample[];
  /** Of validation people; postures come from training people. */
  readonly validation: readonly Probe[];
}

/** A variant to be judged: what goes in, and the real embedding at that posture. */
export interface Probe {
  readonly source: PairSample;
  readonly donor: PairSample;
  readonly target: PairSample;
}

/** Rows (B,D) or (B,512). */
interface CombinerBatch extends tf.TensorContainerObject {
  readonly identities: tf.Tensor2D;
  readonly postures: tf.Tensor2D;
  readonly targets: tf.Tensor2D;
  readonly poseNegatives: tf.Tensor2D;
  readonly photographNegatives: tf.Tensor2D;
}

export function combinerTask(options: CombinerTaskOptions): TrainingTask<CombinerBatch> {
  const { network, seed, batchSize, loss, scale, margin, inventedShare } = options;
  const source = indexPairs(options.samples);
  return {
    config: {
      ...{ network, seed, batchSize, loss, scale, margin, inventedShare, weights: options.weights },
      samples: options.samples.length,
      validation: options.validation.length,
    },
    initial: () => initialWeights(combinerSpecs(network), seed),
    batch: (step) => {
      const random = seededRandom(seed, 'combiner', step);
      const pairs = choosePairs(source, batchSize, random).map((pair) =>
        random() < inventedShare ? inventPerson(pair, source, random) : pair,
      );
      return {
        identities: rows(pairs.map((pair) => pair.source.embedding)),
        postures: rows(pairs.map((pair) => pair.donor.code)),
        targets: rows(pairs.map((pair) => pair.target.embedding)),
        poseNegatives: rows(pairs.map((pair) => pair.poseNegative.embedding)),
        photographNegatives: rows(pairs.map((pair) => pair.photographNegative.embedding)),
      };
    },
    losses: (weights, batch, dropout) => {
      const answers = combine(weights, network, batch.identities, batch.postures, dropout);
      const { targets, poseNegatives, photographNegatives } = batch;
      const compare = (negatives: tf.Tensor2D) =>
        loss === 'triplet'
          ? tripletLoss(answers, targets, negatives, margin)
          : pairLoss(answers, targets, negatives, scale);
      const terms = {
        identity:
          loss === 'triplet'
            ? tripletLoss(answers, targets, nextRows(targets), margin)
            : nPairLoss(answers, targets, scale),
        pose: compare(poseNegatives),
        photograph: compare(photographNegatives),
        alignment: cosineLoss(answers, targets),
      };
      return Object.fromEntries(
        Object.entries(terms).map(([name, term]) => [
          name,
          tf.mul(term, options.weights[name as keyof CombinerTermWeights]) as tf.Scalar,
        ]),
      );
    },
    validate: (weights) => {
      const answers = generate(weights, network, options.validation);
      const similarity = mean(options.validation.map(({ target }, i) => dot(answers[i]!, target.embedding)));
      const unchanged = mean(
        options.validation.map(({ source, target }) => dot(source.embedding, target.embedding)),
      );
      const kept = mean(options.validation.map(({ source: from }, i) => dot(answers[i]!, from.embedding)));
      return { score: 1 - similarity, measures: { similarity, unchanged, similarityToSource: kept } };
    },
  };
}

/** Row i + 1 in place of row i: another person's, as a batch holds nobody twice. */
function nextRows(x: tf.Tensor2D): tf.Tensor2D {
  const rest = tf.slice(x, [1, 0], [x.shape[0] - 1, x.shape[1]]);
  return tf.concat2d([rest, tf.slice(x, [0, 0], [1, x.shape[1]])], 0);
}

const EVALUATION_BATCH = 64;

/** The combiner's answers, one a probe. */
export function generate(
  weights: Weights,
  network: CombinerConfig,
  probes: readonly Pick<Probe, 'source' | 'donor'>[],
): Float32Array[] {
  const answers: Float32Array[] = [];
  for (let start = 0; start < probes.length; start += EVALUATION_BATCH) {
    const part = probes.slice(start, start + EVALUATION_BATCH);
    const values = tf.tidy(() =>
      combine(
        weights,
        network,
        rows(part.map(({ source }) => source.embedding)),
        rows(part.map(({ donor }) => donor.code)),
      ).dataSync(),
    );
    part.forEach((_, i) => {
      answers.push(
        Float32Array.from(values.subarray(i * network.identityDim, (i + 1) * network.identityDim)),
      );
    });
  }
  return answers;
}

function rows(vectors: readonly Float32Array[]): tf.Tensor2D {
  const width = vectors[0]?.length ?? POSTURE_DIM;
  const values = new Float32Array(vectors.length * width);
  vectors.forEach((vector, i) => {
    values.set(vector, i * width);
  });
  return tf.tensor2d(values, [vectors.length, width]);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
