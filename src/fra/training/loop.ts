/** The training loop of both networks. Everything random depends on the seed and the step alone. */
import { existsSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { ConfigError, PosecastError } from '../../shared/errors.ts';
import { seededRandom } from '../../shared/random.ts';
import { byPath, differencesOf } from '../../shared/text/differences.ts';
import { type Dropout, noDropout } from '../networks/dropout.ts';
import {
  type NamedWeights,
  readWeights,
  type TrainableWeights,
  trainableWeights,
} from '../networks/weights.ts';
import { Adam } from './adam.ts';
import { type LoopState, readCheckpoint, writeCheckpoint } from './checkpoint.ts';

export interface LoopConfig {
  readonly seed: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly dropout: number;
  /**
   * Share that an average over the steps keeps of itself at each step (0–1). What is validated and kept is the average:
   * single steps of small batches scatter around it. 0: the weights themselves.
   */
  readonly averaging: number;
  /** Steps between validations. */
  readonly validateEvery: number;
  /** Validations without improvement before the learning rate is multiplied by `plateauFactor`. */
  readonly plateauPatience: number;
  readonly plateauFactor: number;
  /** Validations without improvement before training ends. */
  readonly stopPatience: number;
}

/** What is being trained. */
export interface TrainingTask<Batch extends tf.TensorContainer> {
  /** Everything that shapes the result besides LoopConfig; must survive JSON. Compared on resume. */
  readonly config: unknown;
  readonly initial: () => NamedWeights;
  /** The batch of a step, a function of the step alone. */
  readonly batch: (step: number) => Batch;
  /** Named loss terms; their sum is minimised. */
  readonly losses: (weights: TrainableWeights, batch: Batch, dropout: Dropout) => Record<string, tf.Scalar>;
  /** Measurements on validation people; the lowest `score` is kept. */
  readonly validate: (weights: TrainableWeights) => Validation;
}

export interface Validation {
  readonly score: number;
  readonly measures: Readonly<Record<string, number>>;
}

/** One line of training-log.jsonl. */
export interface LogEntry {
  readonly step: number;
  readonly learningRate: number;
  /** Mean of every loss term since the last entry. */
  readonly losses: Readonly<Record<string, number>>;
  readonly validation: Validation;
}

export interface LoopHooks {
  readonly log: (entry: LogEntry) => void;
  /** Called after every step: so many of all. */
  readonly progress: (step: number, steps: number) => void;
  readonly signal: AbortSignal;
}

export interface TrainingResult {
  /** The weights of the best validation. */
  readonly weights: NamedWeights;
  readonly state: LoopState;
}

/**
 * Trains until `steps`, or until validation has not improved for `stopPatience` validations. The checkpoint is
 * written after every validation; when it exists already, training continues from it, exactly. An aborted signal
 * ends the loop after the step in progress by throwing the signal's reason; the last checkpoint stands.
 */
export async function trainNetwork<Batch extends tf.TensorContainer>(
  task: TrainingTask<Batch>,
  config: LoopConfig,
  checkpointPath: string,
  hooks: LoopHooks,
): Promise<TrainingResult> {
  const asked = JSON.parse(JSON.stringify({ task: task.config, loop: config })) as unknown;
  const found = existsSync(checkpointPath) ? await readCheckpoint(checkpointPath) : undefined;
  if (found !== undefined && !isDeepStrictEqual(found.config, asked)) {
    const differences = differencesOf(byPath(found.config), byPath(asked));
    throw new ConfigError(
      'other-checkpoint',
      `checkpoint belongs to another training: ${differences.join('; ')}; ask for the same, or train into another OUT`,
      { path: checkpointPath },
    );
  }
  let state: LoopState = found?.state ?? startState(config);
  let best: NamedWeights = found?.groups.best ?? new Map();
  if (state.finished) return { weights: best, state };
  const weights = trainableWeights(found?.groups.weights ?? task.initial());
  const adam = new Adam(
    weights,
    config.weightDecay,
    found && { first: found.groups.first!, second: found.groups.second! },
  );
  const average =
    config.averaging === 0 ? undefined : trainableWeights(found?.groups.average ?? readWeights(weights));
  const judged = average ?? weights;
  let sums = new Map<string, tf.Scalar>();
  try {
    while (!state.finished) {
      hooks.signal.throwIfAborted();
      const step = state.step + 1;
      const batch = tf.tidy(() => task.batch(step));
      const dropout = seededDropout(config, step);
      const terms: Record<string, tf.Scalar> = {};
      const { value, grads } = tf.variableGrads(() => {
        const losses = task.losses(weights, batch, dropout);
        for (const [name, loss] of Object.entries(losses)) terms[name] = tf.keep(loss);
        return tf.addN(Object.values(losses)) as tf.Scalar;
      }, Object.values(weights));
      adam.apply(weights, byWeightName(weights, grads), step, state.learningRate);
      if (average !== undefined) follow(average, weights, config.averaging);
      sums = addTerms(sums, terms);
      tf.dispose([batch, value, grads, terms]);
      state = { ...state, step };
      hooks.progress(step, config.steps);

      if (step % config.validateEvery === 0 || step === config.steps) {
        const losses = readMeans(sums, step % config.validateEvery || config.validateEvery);
        sums = new Map();
        const validation = task.validate(judged);
        if (!Number.isFinite(validation.score) || !Object.values(losses).every(Number.isFinite)) {
          throw new PosecastError('training-diverged', 'loss is no longer a finite number', { step });
        }
        hooks.log({ step, learningRate: state.learningRate, losses, validation });
        const improved = state.bestScore === null || validation.score < state.bestScore;
        if (improved) best = readWeights(judged);
        state = nextState(state, config, validation.score);
        const groups = {
          weights: readWeights(weights),
          ...adam.state(),
          ...(average && { average: readWeights(average) }),
          best,
        };
        await writeCheckpoint(checkpointPath, { config: asked, state, groups });
      }
      // Lets signals and writes through: on a CPU a step takes seconds.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { weights: best, state };
  } finally {
    adam.dispose();
    tf.dispose([weights, average ?? {}, [...sums.values()]]);
  }
}

/** average ← keep · average + (1 − keep) · weights. */
function follow(average: TrainableWeights, weights: TrainableWeights, keep: number): void {
  tf.tidy(() => {
    for (const [name, variable] of Object.entries(average)) {
      variable.assign(tf.add(tf.mul(variable, keep), tf.mul(weights[name]!, 1 - keep)));
    }
  });
}

function startState(config: LoopConfig): LoopState {
  return {
    step: 0,
    learningRate: config.learningRate,
    bestScore: null,
    bestStep: 0,
    sinceBest: 0,
    sincePlateau: 0,
    finished: config.steps === 0,
  };
}

/** What a validation score does to the state: best kept, learning rate reduced on a plateau, early stop. Pure. */
export function nextState(state: LoopState, config: LoopConfig, score: number): LoopState {
  const improved = state.bestScore === null || score < state.bestScore;
  const sinceBest = improved ? 0 : state.sinceBest + 1;
  const sincePlateau = improved ? 0 : state.sincePlateau + 1;
  const reduce = sincePlateau >= config.plateauPatience;
  return {
    step: state.step,
    learningRate: reduce ? state.learningRate * config.plateauFactor : state.learningRate,
    bestScore: improved ? score : state.bestScore,
    bestStep: improved ? state.step : state.bestStep,
    sinceBest,
    sincePlateau: reduce ? 0 : sincePlateau,
    finished: state.step >= config.steps || sinceBest >= config.stopPatience,
  };
}

/** Zeroes a share of the values and scales the rest up; the masks of a step are the same on every backend. */
function seededDropout({ dropout, seed }: LoopConfig, step: number): Dropout {
  if (dropout === 0) return noDropout;
  const random = seededRandom(seed, 'dropout', step);
  return (x) => {
    const mask = new Float32Array(x.size);
    for (let i = 0; i < mask.length; i++) mask[i] = random() < dropout ? 0 : 1 / (1 - dropout);
    return tf.mul(x, tf.tensor(mask, x.shape));
  };
}

/** tfjs names gradients after its variables; here they are named after the weights. */
function byWeightName(weights: TrainableWeights, grads: tf.NamedTensorMap): Record<string, tf.Tensor> {
  return Object.fromEntries(Object.entries(weights).map(([name, variable]) => [name, grads[variable.name]!]));
}

/** Running sums stay on the backend, so that no step waits for a read. */
function addTerms(sums: Map<string, tf.Scalar>, terms: Record<string, tf.Scalar>): Map<string, tf.Scalar> {
  return new Map(
    Object.entries(terms).map(([name, term]) => {
      const before = sums.get(name);
      const sum = before === undefined ? (tf.clone(term) as tf.Scalar) : (tf.add(before, term) as tf.Scalar);
      before?.dispose();
      return [name, sum];
    }),
  );
}

function readMeans(sums: Map<string, tf.Scalar>, count: number): Record<string, number> {
  return Object.fromEntries(
    Array.from(sums, ([name, sum]) => {
      const mean = sum.dataSync()[0]! / count;
      sum.dispose();
      return [name, mean];
    }),
  );
}
