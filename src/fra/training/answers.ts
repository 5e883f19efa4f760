/** A generator's answers to many rows, in batches. */
import * as tf from '@tensorflow/tfjs-core';
import { normalizeInPlace } from '../../shared/l2.ts';
import type { Generator } from '../generators/generator.ts';
import { valuesOf } from '../networks/tensorOps.ts';
import type { Weights } from '../networks/weights.ts';

const BATCH = 64;

/** What goes in. */
export interface Question {
  /** Unit length, D values. */
  readonly identity: Float32Array;
  /** 512 values. */
  readonly posture: Float32Array;
}

/** One answer a question, as the generator gives it. */
export function answerAll(
  generator: Generator,
  weights: Weights,
  questions: readonly Question[],
): Float32Array[] {
  const answers: Float32Array[] = [];
  for (let start = 0; start < questions.length; start += BATCH) {
    const part = questions.slice(start, start + BATCH);
    const values = valuesOf(() =>
      generator.forward(
        weights,
        stackRows(part.map(({ identity }) => identity)),
        stackRows(part.map(({ posture }) => posture)),
      ),
    );
    const width = generator.identityDim;
    part.forEach((_, i) => {
      answers.push(Float32Array.from(values.subarray(i * width, (i + 1) * width)));
    });
  }
  return answers;
}

/** The same, scaled to unit length, as a worker does. */
export function unitAnswers(
  generator: Generator,
  weights: Weights,
  questions: readonly Question[],
): Float32Array[] {
  const answers = answerAll(generator, weights, questions);
  for (const answer of answers) normalizeInPlace(answer);
  return answers;
}

/** Vectors of one length as the rows of a matrix. */
export function stackRows(vectors: readonly Float32Array[]): tf.Tensor2D {
  const width = vectors[0]?.length ?? 0;
  const values = new Float32Array(vectors.length * width);
  vectors.forEach((vector, i) => {
    values.set(vector, i * width);
  });
  return tf.tensor2d(values, [vectors.length, width]);
}
