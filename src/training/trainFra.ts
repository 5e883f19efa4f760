/**
 * A corpus becomes a FRA model folder: collect samples, train the autoencoder or take one, make the generator, judge
 * both on validation people, write. Interrupted trainings continue from OUT/work.
 */
import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openGenerator } from '../fra/generators/generators.ts';
import type { FraCard } from '../fra/modelCard.ts';
import { PAPER_AUTOENCODER } from '../fra/networks/autoencoder.ts';
import { type NamedWeights, weightsDigest } from '../fra/networks/weights.ts';
import type { PostureForm } from '../fra/postureForm.ts';
import { autoencoderTask } from '../fra/training/autoencoderTask.ts';
import type { LogEntry } from '../fra/training/loop.ts';
import { makeRetrievalTasks } from '../fra/training/retrieval.ts';
import { checkDivision, peopleDigest, reuseAutoencoder } from '../fra/training/reuseAutoencoder.ts';
import {
  type SampleSplit,
  splitSamples,
  splitSubjects,
  subjectDigest,
} from '../fra/training/splitSubjects.ts';
import { writeFraModel } from '../fra/writeFraModel.ts';
import { makeFolder } from '../shared/files/makeFolder.ts';
import { cachedSamples } from './cachedSamples.ts';
import { encodeSamples, judgeReconstruction } from './encodeSamples.ts';
import { judgeCombiner, makeProbes, requireTurnedFaces } from './judgeCombiner.ts';
import { landmarkSource } from './landmarkSource.ts';
import { learntFrom, together } from './learntFrom.ts';
import { limitsOf } from './limits.ts';
import { makeGenerator, requireKnots } from './makeGenerator.ts';
import { pairSamples } from './pairSamples.ts';
import { photographRecords } from './photographRecords.ts';
import { lossCharts, writeCharts, writeReconstructions } from './pictures.ts';
import { postureBankOf } from './postureBankOf.ts';
import { type StageRunner, stageRunner } from './runStage.ts';
import type { TrainingSample } from './samples.ts';
import { openSpentTime } from './spentTime.ts';
import type { TrainConfig, TrainHooks, TrainInputs } from './trainConfig.ts';
import { keepRequest, requestOf } from './trainingRequest.ts';
import { TURNED_SHEETS } from './turnedSheets.ts';

/** Trains, judges and writes; answers with the card. An aborted signal ends it with the signal's reason. */
export async function trainFra(
  config: TrainConfig,
  inputs: TrainInputs,
  hooks: TrainHooks,
): Promise<FraCard> {
  const work = join(inputs.out, 'work');
  const pictures = join(inputs.out, 'pictures');
  // What can be refused is refused before OUT holds anything.
  const people = inputs.faces.map(({ subjectId }) => subjectId);
  const { validation: validating } = splitSubjects(people, config.validationShare, config.seed);
  const { from } = config.autoencoder;
  if (from !== null) await checkDivision(from, validating);
  const reused = await learntFrom([...(from === null ? [] : [from]), ...config.generator.parts]);
  await keepRequest(inputs.out, requestOf(config, inputs));
  await makeFolder(pictures);
  const spent = await openSpentTime(join(work, 'spent.txt'), inputs.clock);
  if (from !== null) await takeCaches(from, inputs.out);
  const { samples, counts } = await cachedSamples(config, inputs, hooks, { work, pictures });
  const records = await photographRecords(inputs, join(work, 'photographs.json'), hooks);
  const split = splitSamples(samples, config.validationShare, config.seed, config.peopleLimit);
  const { training, validation } = split;
  const curves = new Map<string, LogEntry[]>();
  const run = stageRunner(config, inputs, hooks, work, curves, spent);

  const used = [...training, ...validation];
  const pairsOf = (codes: readonly Float32Array[], form: PostureForm) => {
    const pairs = pairSamples(used, codes, form);
    return [pairs.slice(0, training.length), pairs.slice(training.length)] as const;
  };
  const noCode = new Float32Array();
  const [known, judging] = pairsOf(
    used.map(() => noCode),
    'code',
  );
  requireTurnedFaces(known, judging, config.seed);
  requireKnots(config.generator, known);

  hooks.stage('autoencoder');
  const drawn = await makeAutoencoder(config, split, run);
  const { autoencoder, codes } = encodeSamples(
    drawn.weights,
    PAPER_AUTOENCODER,
    used,
    training,
    drawn.encoderSha256 === null,
  );
  const reconstruction = judgeReconstruction(autoencoder, PAPER_AUTOENCODER, training, validation);
  await writeReconstructions(join(pictures, 'reconstruction.png'), reconstruction.examples);

  hooks.stage('combiner');
  const [trainingPairs, validationPairs] = pairsOf(codes, config.generator.posture);
  const probes = makeProbes(trainingPairs, validationPairs, config.seed);
  const tasks = makeRetrievalTasks(trainingPairs, validationPairs, config.seed);
  const { recognizer } = inputs.models;
  const made = await makeGenerator({
    config,
    recognizerSha256: recognizer.sourceDigest,
    encoderSha256: drawn.encoderSha256,
    encoder: weightsDigest(drawn.weights),
    trainingPeople: split.subjects.training,
    validationPeople: split.subjects.validation,
    training: trainingPairs,
    validation: validationPairs,
    probes,
    tasks,
    run,
    note: hooks.note,
  });

  hooks.stage('judging');
  const judged = judgeCombiner({
    generator: openGenerator(made.config),
    weights: made.weights,
    probes,
    tasks,
    training: trainingPairs,
    validation: validationPairs,
    seed: config.seed,
  });
  await writeCharts(join(pictures, 'embeddings.png'), judged.charts);
  // A closed form with an autoencoder from elsewhere has no curves.
  if (curves.size > 0) await writeCharts(join(pictures, 'losses.png'), lossCharts(curves));
  const { subjects } = split;
  const own = [...subjects.training, ...subjects.validation].map(subjectDigest);
  const learnt = together([{ ...records, subjectDigests: own }, ...reused]);
  return await writeFraModel(inputs.out, {
    card: {
      name: config.name,
      summary: `Variants of ${recognizer.name} embeddings at other head poses`,
      recognizer: {
        name: recognizer.name,
        sha256: recognizer.sourceDigest,
        embedDim: made.config.identityDim,
      },
      architecture: {
        autoencoder: { channels: [...PAPER_AUTOENCODER.channels] },
        posture: config.generator.posture,
        combiner: made.config,
      },
      training: {
        ...inputs.data,
        subjects: subjects.training.length,
        validationSubjects: subjects.validation.length,
        photographs: counts.photographs,
        renders: counts.renders,
        subjectDigests: learnt.subjectDigests,
        validationDigests: subjects.validation.map(subjectDigest).sort(),
        photographDigests: learnt.photographDigests,
        cropHashes: learnt.cropHashes,
        seed: config.seed,
        command: inputs.command,
        backend: inputs.backend.description,
        autoencoderSteps: drawn.step,
        autoencoderFrom: drawn.encoderSha256,
        combinerSteps: made.step,
        loss: made.step === null ? null : config.combiner.loss,
        without: [...config.combiner.without],
        peopleLimit: config.peopleLimit,
        choices: [...made.choices],
        minutes: Math.round(spent() / 6000) / 10,
      },
      metrics: { reconstruction: reconstruction.metrics, combiner: judged.metrics },
      minSimilarity: judged.minSimilarity,
      limits: [
        ...limitsOf(subjects, judged.metrics, config.generator.kind, config.renders),
        ...inputs.limits,
      ],
    },
    autoencoder,
    combiner: made.weights,
    bank: postureBankOf(
      training,
      trainingPairs.map(({ code }) => code),
      config.seed,
    ),
  });
}

/** Of the training that the autoencoder comes from; keys say whether samples and records are the right ones. */
const CACHES = [
  join('work', 'samples.arrow'),
  join('work', 'photographs.json'),
  ...TURNED_SHEETS.map((name) => join('pictures', name)),
];

async function takeCaches(from: string, out: string): Promise<void> {
  for (const name of CACHES) {
    const [there, here] = [join(from, name), join(out, name)];
    if (existsSync(there) && !existsSync(here)) await copyFile(there, here);
  }
}

interface DrawnAutoencoder {
  readonly weights: NamedWeights;
  readonly step: number;
  /** Of the model it comes from; null when its codes are not scaled yet. */
  readonly encoderSha256: string | null;
}

async function makeAutoencoder(
  { autoencoder, seed }: TrainConfig,
  { subjects, training, validation }: SampleSplit<TrainingSample>,
  run: StageRunner,
): Promise<DrawnAutoencoder> {
  if (autoencoder.from !== null) return reuseAutoencoder(autoencoder.from, subjects.validation);
  const { weights, state } = await run('autoencoder', autoencoder, () =>
    autoencoderTask({
      network: PAPER_AUTOENCODER,
      seed,
      batchSize: autoencoder.batchSize,
      sample: landmarkSource(training),
      validation: validation.map(({ landmarks }) => landmarks),
      trainingPeople: peopleDigest(subjects.training),
      validationPeople: peopleDigest(subjects.validation),
    }),
  );
  return { weights, step: state.bestStep, encoderSha256: null };
}
