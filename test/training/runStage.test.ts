import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { openBackend } from '../../src/fra/backend.ts';
import type { TrainingTask } from '../../src/fra/training/loop.ts';
import { stageRunner } from '../../src/training/runStage.ts';
import type { TrainConfig, TrainInputs } from '../../src/training/trainConfig.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

/** A number that is to become zero. */
const task = (): TrainingTask<tf.TensorContainerObject> => ({
  config: {},
  initial: () => new Map([['w', { shape: [1], values: Float32Array.of(1) }]]),
  batch: () => ({}),
  losses: ({ w }) => ({ square: tf.sum(tf.square(w!)) as tf.Scalar }),
  validate: () => ({ score: 1, measures: {} }),
});

test('a training whose log cannot be written ends soon, with the name of the log', () =>
  withTempFolder(async (out) => {
    await openBackend('cpu', 1);
    let steps = 0;
    const hooks = {
      ...{ stage: () => {}, note: () => {}, signal: new AbortController().signal },
      progress: (step: number) => {
        steps = step;
      },
      // Between looking at the log and writing it something else takes its place.
      log: () => void mkdirSync(join(out, 'training-log.jsonl'), { recursive: true }),
    };
    const run = stageRunner(
      { seed: 1 } as TrainConfig,
      { out } as TrainInputs,
      hooks,
      out,
      new Map(),
      () => 0,
    );
    const options = {
      ...{ steps: 5000, learningRate: 0.01, weightDecay: 0, dropout: 0, averaging: 0, validateEvery: 1 },
      ...{ plateauPatience: 10_000, plateauFactor: 0.5, stopPatience: 10_000 },
    };
    await assert.rejects(run('combiner', options, task), {
      code: 'unwritable-training-log',
      message: /EISDIR.*training-log\.jsonl/,
    });
    assert.ok(steps < options.steps);
  }));
