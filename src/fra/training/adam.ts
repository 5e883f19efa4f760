/**
 * Adam (Kingma & Ba 2015) with weight decay as in the paper's code: added to the gradient. Written out, because a
 * checkpoint has to hold the whole state and continue bit by bit, which tfjs-core's own optimiser does not offer.
 */
import * as tf from '@tensorflow/tfjs-core';
import {
  type NamedWeights,
  readWeights,
  type TrainableWeights,
  trainableWeights,
} from '../networks/weights.ts';

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** First and second moments, named as the weights. */
export interface AdamState {
  readonly first: NamedWeights;
  readonly second: NamedWeights;
}

export class Adam {
  readonly #weightDecay: number;
  readonly #first: TrainableWeights;
  readonly #second: TrainableWeights;

  /** Without a state the moments start at zero. */
  constructor(weights: TrainableWeights, weightDecay: number, state?: AdamState) {
    this.#weightDecay = weightDecay;
    this.#first = state === undefined ? zerosLike(weights) : trainableWeights(state.first);
    this.#second = state === undefined ? zerosLike(weights) : trainableWeights(state.second);
  }

  /** Changes the weights in place. `step` counts from 1; `gradients` are named as the weights. */
  apply(
    weights: TrainableWeights,
    gradients: Record<string, tf.Tensor>,
    step: number,
    learningRate: number,
  ): void {
    const rate = (learningRate * Math.sqrt(1 - BETA2 ** step)) / (1 - BETA1 ** step);
    tf.tidy(() => {
      for (const [name, variable] of Object.entries(weights)) {
        const first = this.#first[name]!;
        const second = this.#second[name]!;
        // Decay shrinks matrices; gains, biases and tokens are left alone.
        const decay = name.endsWith('.weight') ? this.#weightDecay : 0;
        const raw = gradients[name]!;
        const gradient = decay === 0 ? raw : tf.add(raw, tf.mul(variable, decay));
        first.assign(tf.add(tf.mul(first, BETA1), tf.mul(gradient, 1 - BETA1)));
        second.assign(tf.add(tf.mul(second, BETA2), tf.mul(tf.square(gradient), 1 - BETA2)));
        variable.assign(
          tf.sub(variable, tf.div(tf.mul(first, rate), tf.add(tf.sqrt(second), EPSILON))) as tf.Tensor,
        );
      }
    });
  }

  state(): AdamState {
    return { first: readWeights(this.#first), second: readWeights(this.#second) };
  }

  dispose(): void {
    for (const moments of [this.#first, this.#second]) for (const m of Object.values(moments)) m.dispose();
  }
}

function zerosLike(weights: TrainableWeights): TrainableWeights {
  return Object.fromEntries(
    Object.entries(weights).map(([name, variable]) => {
      const start = tf.zeros(variable.shape);
      const moment = tf.variable(start);
      start.dispose();
      return [name, moment];
    }),
  );
}
