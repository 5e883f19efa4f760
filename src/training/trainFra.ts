/**
 * A corpus becomes a FRA model folder: collect samples, train the autoencoder, train the combiner, judge both on
 * validation people, write. Interrupted trainings continue from OUT/work.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TensorContainer } from '@tensorflow/tfjs-core';
import type { FraCard } from '../fra/modelCard.ts';
import { PAPER_AUTOENCODER } from '../fra/networks/autoencoder.ts';
import { type CombinerConfig, defaultCombiner } from '../fra/networks/combiner.ts';
import { autoencoderTask } from '../fra/training/autoencoderTask.ts';
import { combinerTask } from '../fra/training/combinerTask.ts';
import { type LogEntry, type LoopConfig, type TrainingTask, trainNetwork } from '../fra/training/loop.ts';
import type { PairSample } from '../fra/training/pairs.ts';
import { splitSubjects, subjectDigest } from '../fra/training/splitSubjects.ts';
import { writeFraModel } from '../fra/writeFraModel.ts';
import { cachedSamples } from './cachedSamples.ts';
import { encodeSamples, judgeReconstruction } from './encodeSamples.ts';
import { judgeCombiner, makeProbes } from './judgeCombiner.ts';
import { landmarkSource } from './landmarkSource.ts';
import { limitsOf } from './limits.ts';
import { lossCharts, writeCharts, writeReconstructions } from './pictures.ts';
import { postureBankOf } from './postureBankOf.ts';
import type { TrainingSample } from './samples.ts';
import { openStopwatch } from './stopwatch.ts';
import type { TrainConfig, TrainHooks, TrainInputs } from './trainConfig.ts';
import { appendLog, readLog } from './trainingLog.ts';

/** Trains, judges and writes; answers with the card. An aborted signal ends it with the signal's reason. */
export async function trainFra(
  config: TrainConfig,
  inputs: TrainInputs,
  hooks: TrainHooks,
): Promise<FraCard> {
  const work = join(inputs.out, 'work');
  const pictures = join(inputs.out, 'pictures');
  for (const folder of [work, pictures]) await mkdir(folder, { recursive: true });
  const spent = await openStopwatch(join(work, 'spent.txt'), inputs.clock);
  const { samples, counts } = await cachedSamples(config, inputs, hooks, work);
  const split = splitSubjects(
    samples.map(({ subjectId }) => subjectId),
    config.validationShare,
    config.seed,
  );
  const validating = new Set(split.validation);
  const training = samples.filter(({ subjectId }) => !validating.has(subjectId));
  const validation = samples.filter(({ subjectId }) => validating.has(subjectId));
  const curves = new Map<string, LogEntry[]>();
  const run = stageRunner(config, inputs, hooks, work, curves, spent);

  hooks.stage('autoencoder');
  const network = PAPER_AUTOENCODER;
  const drawn = await run('autoencoder', config.autoencoder, () =>
    autoencoderTask({
      network,
      form: inputs.backend.form,
      seed: config.seed,
      batchSize: config.autoencoder.batchSize,
      sample: landmarkSource(training),
      validation: validation.map(({ landmarks }) => landmarks),
    }),
  );
  const { autoencoder, codes } = encodeSamples(drawn.weights, network, samples, training);
  const reconstruction = judgeReconstruction(autoencoder, network, training, validation);
  await writeReconstructions(join(pictures, 'reconstruction.png'), reconstruction.examples);

  hooks.stage('combiner');
  const pairs = samples.map((sample, i) => pairSample(sample, codes[i]!));
  const trainingPairs = pairs.filter(({ subjectId }) => !validating.has(subjectId));
  const probes = makeProbes(pairs, trainingPairs, validating, config.seed);
  const combiner: CombinerConfig = {
    ...defaultCombiner(samples[0]!.embedding.length),
    identityResidual: config.combiner.identityResidual,
    normalizeOutput: config.combiner.normalizeOutput,
  };
  const combined = await run('combiner', config.combiner, () =>
    combinerTask({
      ...config.combiner,
      network: combiner,
      seed: config.seed,
      samples: trainingPairs,
      validation: probes,
    }),
  );

  hooks.stage('judging');
  const judged = judgeCombiner(combined.weights, combiner, probes, pairs, validating);
  await writeCharts(join(pictures, 'embeddings.png'), judged.charts);
  await writeCharts(join(pictures, 'losses.png'), lossCharts(curves));
  const bankSamples = samples.flatMap((sample, i) =>
    validating.has(sample.subjectId) ? [] : [{ sample, i }],
  );
  const { recognizer } = inputs.models;
  return await writeFraModel(inputs.out, {
    card: {
      name: config.name,
      summary: `Variants of ${recognizer.name} embeddings at other head poses`,
      recognizer: {
        name: recognizer.name,
        sha256: recognizer.sourceSha256,
        embedDim: combiner.identityDim,
      },
      architecture: { autoencoder: { channels: [...network.channels] }, combiner },
      training: {
        ...inputs.data,
        subjects: split.training.length,
        validationSubjects: split.validation.length,
        photographs: counts.photographs,
        renders: counts.renders,
        subjectDigests: [...split.training, ...split.validation].map(subjectDigest).sort(),
        seed: config.seed,
        command: inputs.command,
        backend: inputs.backend.description,
        autoencoderSteps: drawn.state.bestStep,
        combinerSteps: combined.state.bestStep,
        loss: config.combiner.loss,
        minutes: Math.round(spent() / 6000) / 10,
      },
      metrics: { reconstruction: reconstruction.metrics, combiner: judged.metrics },
      minSimilarity: judged.minSimilarity,
      limits: [...limitsOf(split, judged.metrics), ...inputs.limits],
    },
    autoencoder,
    combiner: combined.weights,
    bank: postureBankOf(
      bankSamples.map(({ sample }) => sample),
      bankSamples.map(({ i }) => codes[i]!),
      config.seed,
    ),
  });
}

/** Runs a stage with its log: training-log.jsonl, the hooks, and the curves for the pictures. */
function stageRunner(
  config: TrainConfig,
  { out }: TrainInputs,
  hooks: TrainHooks,
  work: string,
  curves: Map<string, LogEntry[]>,
  spent: () => number,
) {
  return async <Batch extends TensorContainer>(
    stage: string,
    options: Omit<LoopConfig, 'seed'>,
    task: () => TrainingTask<Batch>,
  ) => {
    const { steps, learningRate, weightDecay, dropout, validateEvery } = options;
    const { plateauPatience, plateauFactor, stopPatience } = options;
    const loop: LoopConfig = {
      ...{ steps, learningRate, weightDecay, dropout, validateEvery },
      ...{ plateauPatience, plateauFactor, stopPatience, seed: config.seed },
    };
    const logPath = join(out, 'training-log.jsonl');
    const entries: LogEntry[] = [];
    let writing = Promise.resolve();
    const result = await trainNetwork(task(), loop, join(work, `${stage}.checkpoint`), {
      signal: hooks.signal,
      progress: (step, total) => hooks.progress(step, total, lastLoss(entries)),
      log: (entry) => {
        entries.push(entry);
        hooks.log(stage, entry);
        spent();
        writing = writing.then(() => appendLog(logPath, stage, entry));
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

function pairSample(
  { subjectId, faceId, gridIndex, pose, embedding }: TrainingSample,
  code: Float32Array,
): PairSample {
  return { subjectId, faceId, gridIndex, yaw: pose.yaw, pitch: pose.pitch, embedding, code };
}
