/** Training of the combiner: identity and posture of one row go in, the row's target embedding should come out. */
import * as tf from '@tensorflow/tfjs-core';
import { dot } from '../../shared/l2.ts';
import { seededRandom } from '../../shared/random.ts';
import type { GeneratorConfig } from '../generators/generatorConfig.ts';
import { openGenerator } from '../generators/generators.ts';
import {
  COMBINER_TERMS,
  type CombinerLoss,
  type CombinerTerm,
  type CombinerTermWeights,
} from '../lossTerms.ts';
import { initialWeights, type NamedWeights, type Weights } from '../networks/weights.ts';
import type { PostureForm } from '../postureForm.ts';
import { stackRows as rows, unitAnswers } from './answers.ts';
import type { TrainingTask } from './loop.ts';
import { cosineLoss, nPairLoss, pairLoss, tripletLoss } from './losses.ts';
import { choosePairs, indexPairs, inventPerson, type PairSample } from './pairs.ts';
import { judgeRetrieval, type RetrievalTask, retrievalQuestions } from './retrieval.ts';
import { mean } from './statistics.ts';

export interface CombinerTaskOptions {
  readonly network: GeneratorConfig;
  /** Weights that are not learnt here. */
  readonly fixed?: NamedWeights;
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
  readonly weights: CombinerTermWeights;
  /**
   * What the samples' codes are, the digest of the encoder that made them, and who trains (`peopleDigest`): for a
   * resume alone.
   */
  readonly posture: PostureForm;
  readonly encoder: string;
  readonly trainingPeople: string;
  /** Of training people. */
  readonly samples: readonly PairSample[];
  /** Of validation people; postures come from training people. */
  readonly validation: readonly Probe[];
  /** What chooses the step to keep. */
  readonly tasks: readonly RetrievalTask[];
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
  const { network, seed, batchSize, loss, scale, margin, inventedShare, tasks } = options;
  const source = indexPairs(options.samples);
  const generator = openGenerator(network);
  const fixed: Weights = Object.fromEntries(
    Array.from(options.fixed ?? [], ([name, { shape, values }]) => [name, tf.tensor(values, [...shape])]),
  );
  return {
    config: {
      ...{ network, seed, batchSize, loss, scale, margin, inventedShare, weights: options.weights },
      ...{ posture: options.posture, encoder: options.encoder, trainingPeople: options.trainingPeople },
      samples: options.samples.length,
      validation: options.validation.length,
    },
    initial: () =>
      initialWeights(
        Object.fromEntries(Object.entries(generator.specs).filter(([name]) => fixed[name] === undefined)),
        seed,
      ),
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
      const answers = generator.forward({ ...weights, ...fixed }, batch.identities, batch.postures, dropout);
      const { targets, poseNegatives, photographNegatives } = batch;
      const compare = (negatives: tf.Tensor2D) =>
        loss === 'triplet'
          ? tripletLoss(answers, targets, negatives, margin)
          : pairLoss(answers, targets, negatives, scale);
      const terms: Readonly<Record<CombinerTerm, () => tf.Scalar>> = {
        identity: () =>
          loss === 'triplet'
            ? tripletLoss(answers, targets, nextRows(targets), margin)
            : nPairLoss(answers, targets, scale),
        pose: () => compare(poseNegatives),
        photograph: () => compare(photographNegatives),
        alignment: () => cosineLoss(answers, targets),
      };
      return Object.fromEntries(
        COMBINER_TERMS.filter((name) => options.weights[name] > 0).map((name) => [
          name,
          tf.mul(terms[name](), options.weights[name]) as tf.Scalar,
        ]),
      );
    },
    validate: (trained) => {
      const weights = { ...trained, ...fixed };
      const { rank1, loss: score } = judgeRetrieval(
        tasks,
        unitAnswers(generator, weights, retrievalQuestions(tasks)),
      );
      const answers = unitAnswers(
        generator,
        weights,
        options.validation.map(({ source: { embedding }, donor }) => ({
          identity: embedding,
          posture: donor.code,
        })),
      );
      const similarity = mean(options.validation.map(({ target }, i) => dot(answers[i]!, target.embedding)));
      const unchanged = mean(
        options.validation.map(({ source: from, target }) => dot(from.embedding, target.embedding)),
      );
      const kept = mean(options.validation.map(({ source: from }, i) => dot(answers[i]!, from.embedding)));
      return { score, measures: { rank1, similarity, unchanged, similarityToSource: kept } };
    },
  };
}

/** Row i + 1 in place of row i: another person's, as a batch holds nobody twice. */
function nextRows(x: tf.Tensor2D): tf.Tensor2D {
  const rest = tf.slice(x, [1, 0], [x.shape[0] - 1, x.shape[1]]);
  return tf.concat2d([rest, tf.slice(x, [0, 0], [1, x.shape[1]])], 0);
}
