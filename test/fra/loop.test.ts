import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { openBackend } from '../../src/fra/backend.ts';
import { linear } from '../../src/fra/networks/tensorOps.ts';
import { initialWeights } from '../../src/fra/networks/weights.ts';
import { readCheckpoint } from '../../src/fra/training/checkpoint.ts';
import {
  type LogEntry,
  type LoopConfig,
  nextState,
  type TrainingTask,
  trainNetwork,
} from '../../src/fra/training/loop.ts';
import { IntegrityError } from '../../src/shared/errors.ts';
import { randomNormal, seededRandom } from '../../src/shared/random.ts';

await openBackend('cpu', 1);
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posecast-loop-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const CONFIG: LoopConfig = {
  seed: 1,
  steps: 40,
  learningRate: 0.05,
  weightDecay: 1e-4,
  dropout: 0.1,
  averaging: 0.9,
  validateEvery: 10,
  plateauPatience: 2,
  plateauFactor: 0.5,
  stopPatience: 10,
};

interface LineBatch extends tf.TensorContainerObject {
  readonly x: tf.Tensor2D;
  readonly y: tf.Tensor2D;
}

/** y = Ax, learnt from examples. */
function lineTask(): TrainingTask<LineBatch> {
  const truth = tf.tensor2d(
    Array.from({ length: 12 }, (_, i) => Math.sin(i)),
    [4, 3],
  );
  const batchOf = (word: string, step: number) => {
    const random = seededRandom(1, word, step);
    const x = tf.tensor2d(
      Float32Array.from({ length: 32 }, () => randomNormal(random)),
      [8, 4],
    );
    return { x, y: tf.matMul(x, truth) as tf.Tensor2D };
  };
  const error = (weights: Record<string, tf.Tensor>, { x, y }: LineBatch) =>
    tf.mean(tf.square(tf.sub(linear(x, weights['a.weight']!, weights['a.bias']!), y))) as tf.Scalar;
  return {
    config: { task: 'line' },
    initial: () =>
      initialWeights(
        {
          'a.weight': { shape: [4, 3], init: { normal: 0.1 } },
          'a.bias': { shape: [3], init: { constant: 0 } },
        },
        1,
      ),
    batch: (step) => batchOf('train', step),
    losses: (weights, { x, y }, dropout) => ({ error: error(weights, { x: dropout(x), y }) }),
    validate: (weights) => {
      const score = tf.tidy(() => error(weights, batchOf('validate', 0)).dataSync()[0]!);
      return { score, measures: { error: score } };
    },
  };
}

function hooks(log: LogEntry[] = [], stopAt = Infinity) {
  const controller = new AbortController();
  return {
    log: (entry: LogEntry) => log.push(entry),
    progress: (step: number) => {
      if (step >= stopAt) controller.abort(new Error('stop'));
    },
    signal: controller.signal,
  };
}

test('training lowers the loss and keeps the best weights', async () => {
  const log: LogEntry[] = [];
  const before = tf.memory().numTensors;
  const result = await trainNetwork(lineTask(), { ...CONFIG, dropout: 0 }, join(folder, 'a'), hooks(log));
  assert.ok(log.at(-1)!.validation.score < 0.2 * log[0]!.validation.score);
  assert.equal(result.state.bestScore, Math.min(...log.map(({ validation }) => validation.score)));
  assert.ok(tf.memory().numTensors <= before + 1, 'tensors leaked');
});

test('a training that was interrupted and resumed ends with exactly the weights of one that was not', async () => {
  const whole = await trainNetwork(lineTask(), CONFIG, join(folder, 'whole'), hooks());
  const parts = join(folder, 'parts');
  for (const stopAt of [13, 27])
    await assert.rejects(trainNetwork(lineTask(), CONFIG, parts, hooks([], stopAt)));
  assert.equal((await readCheckpoint(parts)).state.step, 20);
  const resumed = await trainNetwork(lineTask(), CONFIG, parts, hooks());
  assert.deepEqual(resumed, whole);
  assert.deepEqual(
    (await readCheckpoint(parts)).groups,
    (await readCheckpoint(join(folder, 'whole'))).groups,
  );
});

test('a finished training is not trained again', async () => {
  const path = join(folder, 'whole');
  const log: LogEntry[] = [];
  await trainNetwork(lineTask(), CONFIG, path, hooks(log));
  assert.deepEqual(log, []);
});

test('a checkpoint of another configuration is refused, and what differs is named', async () => {
  const path = join(folder, 'whole');
  const other = { ...CONFIG, learningRate: 0.01 };
  await assert.rejects(trainNetwork(lineTask(), other, path, hooks()), {
    name: 'ConfigError',
    code: 'other-checkpoint',
    message: new RegExp(`loop\\.learningRate: ${CONFIG.learningRate} there, 0\\.01 asked;`),
  });
  const task = { ...lineTask(), config: { task: 'line', network: { bends: 2 } } };
  await assert.rejects(trainNetwork(task, CONFIG, path, hooks()), {
    message: /task\.network\.bends: nothing there, 2 asked/,
  });
});

test('a truncated checkpoint is refused', async () => {
  const path = join(folder, 'short');
  await copyFile(join(folder, 'whole'), path);
  const bytes = await readFile(path);
  await writeFile(path, bytes.subarray(0, bytes.length - 5));
  await assert.rejects(readCheckpoint(path), IntegrityError);
  await writeFile(path, 'hello');
  await assert.rejects(readCheckpoint(path), IntegrityError);
});

test('the learning rate falls on a plateau, and training ends when nothing improves for long', () => {
  const config = { ...CONFIG, stopPatience: 3, steps: 1000 };
  let state = nextState(
    {
      ...{ step: 10, learningRate: 0.05, bestScore: null, bestStep: 0 },
      ...{ sinceBest: 0, sincePlateau: 0, finished: false },
    },
    config,
    1,
  );
  const rates = [2, 2, 2].map((score) => {
    state = nextState({ ...state, step: state.step + 10 }, config, score);
    return [state.learningRate, state.finished];
  });
  assert.deepEqual(rates, [
    [0.05, false],
    [0.025, false],
    [0.025, true],
  ]);
  assert.equal(state.bestStep, 10);
});
