/**
 * A corpus becomes a FRA model folder: collect samples, train the autoencoder, train the combiner, judge both on
 * validation people, write. Interrupted trainings continue from OUT/work.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TensorContainer } from '@tensorflow/tfjs-core';
import type { TensorBackend } from '../fra/backend.ts';
import type { FraCard, FraMetrics } from '../fra/modelCard.ts';
import { PAPER_AUTOENCODER } from '../fra/networks/autoencoder.ts';
import { type CombinerConfig, defaultCombiner } from '../fra/networks/combiner.ts';
import { disposeWeights, type NamedWeights, trainableWeights } from '../fra/networks/weights.ts';
import { autoencoderTask } from '../fra/training/autoencoderTask.ts';
import {
  type CombinerLoss,
  type CombinerTermWeights,
  combinerTask,
  generate,
  type Probe,
} from '../fra/training/combinerTask.ts';
import { judgeVariants } from '../fra/training/evaluate.ts';
import { type LogEntry, type LoopConfig, type TrainingTask, trainNetwork } from '../fra/training/loop.ts';
import type { PairSample } from '../fra/training/pairs.ts';
import { type SubjectSplit, splitSubjects, subjectDigest } from '../fra/training/splitSubjects.ts';
import { writeFraModel } from '../fra/writeFraModel.ts';
import type { ResolvedModel } from '../models/cache.ts';
import { ConfigError } from '../shared/errors.ts';
import type { FaceRecord, Landmarks68 } from '../shared/face.ts';
import { centroid, dot } from '../shared/l2.ts';
import { type Random, randomInt, randomNormal, seededRandom } from '../shared/random.ts';
import { type CollectCounts, collectSamples } from './collectSamples.ts';
import { encodeSamples, judgeReconstruction } from './encodeSamples.ts';
import { headShape } from './headModel.ts';
import { varyLandmarks } from './landmarkVariation.ts';
import { type Chart, histogram, writeCharts, writeReconstructions } from './pictures.ts';
import { pipelineModel } from './pipelineModel.ts';
import { postureBankOf } from './postureBankOf.ts';
import { readSamples, type TrainingSample, writeSamples } from './samples.ts';
import { appendLog, readLog } from './trainingLog.ts';

export interface TrainConfig {
  readonly name: string;
  readonly seed: number;
  /** Share of the people that validate. */
  readonly validationShare: number;
  readonly autoencoder: Omit<LoopConfig, 'seed'> & { readonly batchSize: number };
  readonly combiner: Omit<LoopConfig, 'seed'> & {
    readonly batchSize: number;
    readonly loss: CombinerLoss;
    readonly scale: number;
    readonly margin: number;
    readonly inventedShare: number;
    readonly weights: CombinerTermWeights;
    readonly identityResidual: boolean;
    readonly normalizeOutput: boolean;
  };
}

export interface TrainInputs {
  readonly out: string;
  readonly imageRoot: string;
  readonly faces: readonly FaceRecord[];
  readonly models: {
    readonly detector: ResolvedModel;
    readonly landmarks: ResolvedModel;
    readonly pose: ResolvedModel;
    readonly recognizer: ResolvedModel;
  };
  readonly backend: TensorBackend;
  /** What the card says about the data. */
  readonly data: { readonly data: string; readonly licence: string; readonly credit: string };
  /** The exact command line. */
  readonly command: string;
  /** Milliseconds. */
  readonly clock: () => number;
}

/** What a training says while it works. */
export interface TrainHooks {
  readonly stage: (name: string) => void;
  readonly progress: (done: number, total: number, note: string) => void;
  readonly log: (stage: string, entry: LogEntry) => void;
  readonly signal: AbortSignal;
}

export async function trainFra(
  config: TrainConfig,
  inputs: TrainInputs,
  hooks: TrainHooks,
): Promise<FraCard> {
  const work = join(inputs.out, 'work');
  const pictures = join(inputs.out, 'pictures');
  for (const folder of [work, pictures]) await mkdir(folder, { recursive: true });
  const spent = await openStopwatch(join(work, 'spent.txt'), inputs.clock);
  const { samples, counts } = await collect(config, inputs, hooks, work);
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
  const judged = judge(combined.weights, combiner, probes, pairs, validating);
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
        sha256: recognizer.sha256,
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
      limits: limitsOf(split, judged.metrics),
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

/** Samples of the corpus, from OUT/work when they were collected before from the same things. */
async function collect(
  config: TrainConfig,
  { faces, imageRoot, models }: TrainInputs,
  hooks: TrainHooks,
  work: string,
): Promise<{ samples: TrainingSample[]; counts: Pick<CollectCounts, 'photographs' | 'renders'> }> {
  hooks.stage('samples');
  const path = join(work, 'samples.arrow');
  const digests = Object.values(models).map(({ name, sha256 }) => `${name} ${sha256}`);
  const listing = faces.map(({ faceId, bytes }) => `${faceId} ${bytes}`);
  const key = createHash('sha256')
    .update(JSON.stringify({ version: 1, seed: config.seed, digests, listing }))
    .digest('hex');
  let samples = await readSamples(path, key);
  if (samples === undefined) {
    const collected = await collectSamples({
      imageRoot,
      faces,
      models: {
        detector: pipelineModel(models.detector),
        landmarks: pipelineModel(models.landmarks),
        pose: pipelineModel(models.pose),
        recognizer: pipelineModel(models.recognizer),
      },
      seed: config.seed,
      signal: hooks.signal,
      progress: ({ photographs, renders, rejectedPhotographs, rejectedRenders }) => {
        const rejected = rejectedPhotographs + rejectedRenders;
        hooks.progress(
          photographs + rejectedPhotographs,
          faces.length,
          `${renders} renders, ${rejected} rejected`,
        );
      },
    });
    if (collected.samples.length === 0) {
      throw new ConfigError('no-faces', 'expected photographs with a usable face, found none', { imageRoot });
    }
    await writeSamples(path, key, collected.samples);
    // As the file holds them (float32), so that a resumed training has the same numbers.
    samples = (await readSamples(path, key)) ?? collected.samples;
    // Networks trained on other samples are of no use.
    for (const stage of ['autoencoder', 'combiner'])
      await rm(join(work, `${stage}.checkpoint`), { force: true });
    await rm(join(work, '..', 'training-log.jsonl'), { force: true });
  }
  const photographs = samples.filter(({ gridIndex }) => gridIndex === -1).length;
  return { samples, counts: { photographs, renders: samples.length - photographs } };
}

/** Milliseconds of training so far, across interruptions: noted in a file every time it is read. */
async function openStopwatch(path: string, clock: () => number): Promise<() => number> {
  const before = Number(await readFile(path, 'utf8').catch(() => '0')) || 0;
  const start = clock();
  return () => {
    const spent = before + clock() - start;
    writeFileSync(path, String(spent));
    return spent;
  };
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

/** Landmarks to learn drawing from: two in five as measured, the others of people who do not exist. */
function landmarkSource(training: readonly TrainingSample[]): (random: Random) => Landmarks68 {
  const shapes = training
    .filter(({ gridIndex }) => gridIndex === -1)
    .map(({ landmarks }) => headShape(landmarks));
  return (random) => {
    const landmarks =
      random() < 0.4
        ? measuredLandmarks(training[randomInt(random, training.length)]!, random)
        : varyLandmarks(shapes, random);
    // A mirrored face is a face; the drawing does not depend on which eye is which.
    return random() < 0.5 ? landmarks : landmarks.map((value, i) => (i % 2 === 0 ? -value : value));
  };
}

function measuredLandmarks({ landmarks }: TrainingSample, random: Random): Landmarks68 {
  // Crop pixels; as uncertain as the landmark network is.
  const noise = 0.4 * random();
  return landmarks.map((value) => value + noise * randomNormal(random));
}

function pairSample(
  { subjectId, faceId, gridIndex, pose, embedding }: TrainingSample,
  code: Float32Array,
): PairSample {
  return { subjectId, faceId, gridIndex, yaw: pose.yaw, pitch: pose.pitch, embedding, code };
}

/** Photographs of validation people, sent to every grid pose by a training person's posture. */
function makeProbes(
  pairs: readonly PairSample[],
  training: readonly PairSample[],
  validating: ReadonlySet<string>,
  seed: number,
): Probe[] {
  const random = seededRandom(seed, 'probes');
  const own = pairs.filter(({ subjectId }) => validating.has(subjectId));
  return own
    .filter(({ gridIndex }) => gridIndex === -1)
    .flatMap((source) =>
      own
        .filter(({ faceId, gridIndex }) => faceId === source.faceId && gridIndex >= 0)
        .flatMap((target) => {
          const donors = training.filter(({ gridIndex }) => gridIndex === target.gridIndex);
          return donors.length === 0
            ? []
            : [{ source, target, donor: donors[randomInt(random, donors.length)]! }];
        }),
    );
}

function judge(
  weights: NamedWeights,
  network: CombinerConfig,
  probes: readonly Probe[],
  pairs: readonly PairSample[],
  validating: ReadonlySet<string>,
): { metrics: FraMetrics['combiner']; minSimilarity: number; charts: Chart[] } {
  const tensors = trainableWeights(weights);
  const variants = generate(tensors, network, probes);
  const shuffled = generate(
    tensors,
    network,
    // Far enough that the grid index differs.
    probes.map(({ source }, i) => ({ source, donor: probes[(i + 7) % probes.length]!.donor })),
  );
  disposeWeights(tensors);
  const photographs = pairs.filter(({ gridIndex }) => gridIndex === -1);
  const centroids = new Map(
    [...new Set(photographs.map(({ subjectId }) => subjectId))].map((subject) => [
      subject,
      centroid(
        photographs.filter(({ subjectId }) => subjectId === subject).map(({ embedding }) => embedding),
      ),
    ]),
  );
  const offsets = meanOffsets(pairs.filter(({ subjectId }) => !validating.has(subjectId)));
  const reals = probes.map(({ target }) => target.embedding);
  const realSimilarities = probes.map(({ target }) =>
    dot(target.embedding, centroids.get(target.subjectId)!),
  );
  const judgement = judgeVariants(
    probes.map(({ source, target }, i) => ({
      subjectId: source.subjectId,
      variant: variants[i]!,
      shuffled: shuffled[i]!,
      source: source.embedding,
      meanOffset: source.embedding.map((value, k) => value + (offsets.get(target.gridIndex)?.[k] ?? 0)),
      target: target.embedding,
    })),
    centroids,
    validating,
    realSimilarities,
    reals,
  );
  const ownSimilarities = probes.map(({ source }, i) => dot(variants[i]!, centroids.get(source.subjectId)!));
  const norms = variants.map((variant) => Math.sqrt(dot(variant, variant)));
  return {
    ...judgement,
    charts: [
      {
        title: 'Similarity to the own centroid, validation people',
        xLabel: 'cosine',
        curves: [
          histogram('variants', ownSimilarities, -0.2, 1),
          histogram('real', realSimilarities, -0.2, 1),
        ],
      },
      {
        title: 'Length of the combiner’s answers',
        xLabel: 'L2 norm',
        curves: [histogram('variants', norms, 0, 2)],
      },
    ],
  };
}

/** Mean of render − photograph at every grid index. */
function meanOffsets(pairs: readonly PairSample[]): Map<number, Float32Array> {
  const photographs = new Map(
    pairs.filter(({ gridIndex }) => gridIndex === -1).map((pair) => [pair.faceId, pair.embedding]),
  );
  const sums = new Map<number, { sum: Float32Array; count: number }>();
  for (const { faceId, gridIndex, embedding } of pairs) {
    const photograph = photographs.get(faceId);
    if (gridIndex === -1 || photograph === undefined) continue;
    const { sum, count } = sums.get(gridIndex) ?? { sum: new Float32Array(embedding.length), count: 0 };
    for (let i = 0; i < sum.length; i++) sum[i]! += embedding[i]! - photograph[i]!;
    sums.set(gridIndex, { sum, count: count + 1 });
  }
  return new Map(
    [...sums].map(([gridIndex, { sum, count }]) => [gridIndex, sum.map((value) => value / count)]),
  );
}

function lossCharts(curves: ReadonlyMap<string, readonly LogEntry[]>): Chart[] {
  return [...curves].map(([stage, entries]) => {
    const terms = Object.keys(entries[0]?.losses ?? {});
    const curve = (label: string, value: (entry: LogEntry) => number) => ({
      label,
      points: entries.map((entry) => ({ x: entry.step, y: value(entry) })),
    });
    return {
      title: `${stage}: loss terms`,
      xLabel: 'step',
      curves: [
        ...terms.map((term) => curve(term, (entry) => entry.losses[term] ?? 0)),
        curve('validation score', (entry) => entry.validation.score),
      ],
    };
  });
}

function limitsOf(split: SubjectSplit, metrics: FraMetrics['combiner']): string[] {
  const gain = metrics.similarityToTarget - metrics.sourceSimilarityToTarget;
  return [
    `Learnt from ${split.training.length} people; judged on ${split.validation.length} others of the same corpus, who also chose the step to keep.`,
    `The mean change of training people at each pose, added to the source, reaches ${metrics.meanOffsetSimilarityToTarget.toFixed(3)} of cosine to the target; this combiner ${metrics.similarityToTarget.toFixed(3)}.`,
    'Target poses are renders of frontal photographs: beyond 45° of yaw they show that they are.',
    `A variant is ${gain >= 0 ? 'nearer' : 'farther'} to the rendered target than the unchanged source by ${Math.abs(gain).toFixed(3)} of cosine.`,
    'Whether variants help a recogniser on turned faces of other people is not measured here.',
  ];
}
