/** Runs a training loop with its checkpoint and its log: training-log.jsonl, the hooks, and curves for the pictures. */
import { join } from 'node:path';
import type { TensorContainer } from '@tensorflow/tfjs-core';
import {
  type LogEntry,
  type LoopConfig,
  type TrainingResult,
  type TrainingTask,
  trainNetwork,
} from '../fra/training/loop.ts';
import type { TrainConfig, TrainHooks, TrainInputs } from './trainConfig.ts';
import { appendLog, dropTornLine, readLog } from './trainingLog.ts';

export type StageRunner = <Batch extends TensorContainer>(
  stage: string,
  options: Omit<LoopConfig, 'seed'>,
  task: () => TrainingTask<Batch>,
) => Promise<TrainingResult>;

/** `curves` collects the log of every stage that ran; `spent` is called when time should be noted. */
export function stageRunner(
  config: TrainConfig,
  { out }: TrainInputs,
  hooks: TrainHooks,
  work: string,
  curves: Map<string, LogEntry[]>,
  spent: () => number,
): StageRunner {
  return async (stage, options, task) => {
    const { steps, learningRate, weightDecay, dropout, averaging, validateEvery } = options;
    const { plateauPatience, plateauFactor, stopPatience } = options;
    const loop: LoopConfig = {
      ...{ steps, learningRate, weightDecay, dropout, averaging, validateEvery },
      ...{ plateauPatience, plateauFactor, stopPatience, seed: config.seed },
    };
    const logPath = join(out, 'training-log.jsonl');
    await dropTornLine(logPath);
    const entries: LogEntry[] = [];
    let writing = Promise.resolve();
    const unwritable = new AbortController();
    const result = await trainNetwork(task(), loop, join(work, `${stage}.checkpoint`), {
      signal: AbortSignal.any([hooks.signal, unwritable.signal]),
      progress: (step, total) => hooks.progress(step, total, lastLoss(entries)),
      log: (entry) => {
        entries.push(entry);
        hooks.log(stage, entry);
        spent();
        writing = writing.then(() => appendLog(logPath, stage, entry));
        // A training without its log ends, with what is wrong with the log.
        writing.catch((error: unknown) => unwritable.abort(error));
      },
    });
    await writing;
    curves.set(stage, await readLog(logPath, stage));
    return result;
  };
}

function lastLoss(entries: readonly LogEntry[]): string {
  const last = entries.at(-1);
  return last === undefined ? '' : `validation ${last.validation.score.toFixed(4)}`;
}
