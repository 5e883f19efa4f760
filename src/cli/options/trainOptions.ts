/** What `posecast train` can be told, and the training it asks for. */
import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { TRAINING_DEVICES, type TrainingDevice } from '../../fra/backend.ts';
import { GENERATOR_KINDS, type GeneratorKind } from '../../fra/generators/generatorConfig.ts';
import {
  COMBINER_LOSSES,
  COMBINER_TERMS,
  type CombinerLoss,
  type CombinerTerm,
  type CombinerTermWeights,
} from '../../fra/lossTerms.ts';
import { fraNameSchema } from '../../fra/modelCard.ts';
import { POSTURE_FORMS, type PostureForm } from '../../fra/postureForm.ts';
import { DEFAULT_RECOGNIZER, describeIssues } from '../../shared/config.ts';
import { ConfigError } from '../../shared/errors.ts';
import type { TrainConfig } from '../../training/trainConfig.ts';
import { detectorOption } from './modelOptions.ts';
import {
  collect,
  innerShare,
  learningRate,
  naturalNumber,
  positiveInteger,
  seed,
  someText,
  textList,
  threads,
  wordsOf,
  yawKnots,
} from './optionValues.ts';

export interface TrainFlags {
  readonly recognizer: string;
  readonly detector: string;
  readonly out: string;
  readonly name?: string;
  readonly seed: number;
  readonly device: TrainingDevice;
  readonly threads: number;
  readonly excludeSubjects?: string;
  readonly validationShare: number;
  readonly renders: Switch;
  readonly inventedPeople?: number;
  readonly autoencoderSteps: number;
  readonly combinerSteps: number;
  readonly loss: CombinerLoss;
  readonly generator: GeneratorKind;
  readonly parts?: readonly string[];
  readonly autoencoder?: string;
  readonly posture: PostureForm;
  readonly yawKnots: readonly number[];
  readonly batchSize?: number;
  readonly learningRate?: number;
  readonly without: readonly CombinerTerm[];
  readonly trainPeople?: number;
  readonly mlpCondition: 'readout' | 'code';
  readonly identityResidual?: Switch;
  readonly normalizeOutput?: Switch;
  readonly dataName?: string;
  readonly dataLicence: string;
  readonly dataCredit: string;
  readonly limit: readonly string[];
  readonly resume?: true;
  readonly json?: true;
}

/** All options but --resume and --json, which are not about the model. */
export function addTrainOptions(command: Command): Command {
  return command
    .requiredOption('--out <folder>', 'where the model is written', someText)
    .option('--recognizer <name>', 'recogniser of the registry the model is for', DEFAULT_RECOGNIZER)
    .addOption(detectorOption())
    .option('--name <name>', 'name in the card (default: the name of OUT)')
    .option(
      '--exclude-subjects <who>',
      'people to leave out: names with commas, a file of names, or a folder per person',
    )
    .option('--validation-share <share>', 'share of the people kept for validation', innerShare, 0.15)
    .addOption(
      new Option(
        '--renders <switch>',
        'learn from renders beside the photographs; off: from pairs of photographs of a person alone',
      )
        .choices(SWITCHES)
        .default('on'),
    )
    .option(
      '--invented-people <n>',
      'people to invent from training people (default: 100; with --renders off: 0)',
      naturalNumber,
    )
    .option('--autoencoder-steps <n>', 'steps of the autoencoder, at most', positiveInteger, 2000)
    .option(
      '--combiner-steps <n>',
      'steps of the combiner, at most; it ends earlier when validation no longer improves',
      positiveInteger,
      2000,
    )
    .option(
      '--batch-size <n>',
      'people in a batch of the combiner (default: 48; as published: 256)',
      positiveInteger,
    )
    .option(
      '--learning-rate <r>',
      'learning rate of the combiner (default: 1e-4; as published: 1e-3)',
      learningRate,
    )
    .addOption(
      new Option('--loss <form>', "form of the combiner's comparing terms")
        .choices(COMBINER_LOSSES)
        .default('n-pair'),
    )
    .addOption(
      new Option('--without <terms>', `loss terms to leave out, with commas: ${COMBINER_TERMS.join(', ')}`)
        .argParser(wordsOf(COMBINER_TERMS))
        .default([], 'none'),
    )
    .addOption(
      new Option('--generator <kind>', 'what makes variants').choices(GENERATOR_KINDS).default('vit'),
    )
    .option('--parts <folders>', 'FRA models to mix, with commas (--generator mixture)', textList)
    .option('--autoencoder <folder>', 'FRA model, or training, to take the autoencoder from', someText)
    .addOption(
      new Option('--posture <form>', 'what the generator is told about the target posture')
        .choices(POSTURE_FORMS)
        .default('code'),
    )
    .addOption(
      new Option(
        '--yaw-knots <degrees>',
        'yaw angles at which closed-form generators are fitted, ascending, with commas',
      )
        .argParser(yawKnots)
        .default([-75, -60, -45, -30, -15, 0, 15, 30, 45, 60, 75], '-75 to 75 by 15'),
    )
    .addOption(
      new Option(
        '--mlp-condition <what>',
        "residual MLP: the pose read off the posture, or the posture's code",
      )
        .choices(['readout', 'code'])
        .default('readout'),
    )
    .addOption(
      new Option(
        '--identity-residual <switch>',
        'Vision Transformers: add the identity to the output',
      ).choices(SWITCHES),
    )
    .addOption(
      new Option('--normalize-output <switch>', 'Vision Transformers: outputs of unit length').choices(
        SWITCHES,
      ),
    )
    .option(
      '--train-people <n>',
      'train on only this many of the training people, chosen by the seed',
      positiveInteger,
    )
    .option('--seed <n>', 'seed of everything random', seed, 0)
    .addOption(new Option('--device <device>', 'where to train').choices(TRAINING_DEVICES).default('cpu'))
    .option('--threads <n>', 'CPU threads of one operation', threads, 2)
    .option('--data-name <text>', 'name of the data, for the card (default: the name of CORPUS)', someText)
    .option('--data-licence <text>', 'licence of the data, for the card', someText, 'not stated')
    .option('--data-credit <text>', 'credit of the data, for the card', '')
    .option('--limit <sentence>', 'a known limit of the model, for the card; may be repeated', collect, []);
}

/** Comparing terms alone, weighted alike, as the paper has them. */
const PUBLISHED_TERMS = { identity: 1, pose: 1, photograph: 1, alignment: 0 };
const IMPROVED_TERMS = { identity: 0.5, pose: 0.25, photograph: 0.05, alignment: 4 };

/** The training that the flags ask for; @throws ConfigError when they contradict each other. */
export function trainConfigOf(flags: TrainFlags, out: string): TrainConfig {
  const parts = partFolders(flags);
  const published = flags.generator === 'vit-published';
  const usual = published ? PUBLISHED_TERMS : IMPROVED_TERMS;
  const switched = (value: Switch | undefined) => (value === undefined ? undefined : value === 'on');
  const residual = switched(flags.identityResidual);
  const normalized = switched(flags.normalizeOutput);
  return {
    name: modelName(flags.name ?? basename(out)),
    seed: flags.seed,
    validationShare: flags.validationShare,
    renders: flags.renders === 'on',
    inventedPeople: inventedPeople(flags),
    peopleLimit: flags.trainPeople ?? null,
    autoencoder: {
      steps: flags.autoencoderSteps,
      batchSize: 32,
      learningRate: 1e-3,
      weightDecay: 1e-5,
      // The paper's code drops activations here; that blurs a code which is meant to be exact.
      dropout: 0,
      averaging: 0,
      validateEvery: 100,
      plateauPatience: 4,
      plateauFactor: 0.5,
      stopPatience: 12,
      from: flags.autoencoder === undefined ? (parts[0] ?? null) : resolve(flags.autoencoder),
    },
    generator: {
      kind: flags.generator,
      posture: flags.posture,
      knots: flags.yawKnots,
      condition: flags.mlpCondition,
      ...(residual !== undefined && { identityResidual: residual }),
      ...(normalized !== undefined && { normalizeOutput: normalized }),
      parts,
    },
    combiner: {
      steps: flags.combinerSteps,
      batchSize: flags.batchSize ?? (published ? 256 : 48),
      // Low: with few people the best generalisation comes early. The paper's: 1e-3.
      learningRate: flags.learningRate ?? (published ? 1e-3 : 1e-4),
      weightDecay: 1e-4,
      dropout: 0.05,
      averaging: published ? 0 : 0.98,
      validateEvery: 25,
      plateauPatience: 5,
      plateauFactor: 0.5,
      stopPatience: 10,
      loss: flags.loss,
      scale: 8,
      margin: 0.3,
      inventedShare: published ? 0 : 0.9,
      weights: termWeights(flags.without, usual),
      without: flags.without,
    },
  };
}

const SWITCHES = ['on', 'off'] as const;
type Switch = (typeof SWITCHES)[number];

function inventedPeople({ renders, inventedPeople }: TrainFlags): number {
  const people = inventedPeople ?? (renders === 'on' ? 100 : 0);
  if (renders === 'on' || people === 0) return people;
  throw new ConfigError(
    'bad-renders',
    '--renders off: expected --invented-people 0, for they are renders and nothing else',
    { found: people },
  );
}

function termWeights(without: readonly CombinerTerm[], usual: CombinerTermWeights): CombinerTermWeights {
  const weights = Object.fromEntries(
    COMBINER_TERMS.map((term) => [term, without.includes(term) ? 0 : usual[term]]),
  ) as Record<CombinerTerm, number>;
  if (COMBINER_TERMS.some((term) => weights[term] > 0)) return weights;
  const terms = COMBINER_TERMS.filter((term) => usual[term] > 0).join(', ');
  throw new ConfigError('bad-loss', `--without: expected to leave one of ${terms}, found none left`, {
    without: without.join(','),
  });
}

/** Refused before hours of training, not by the card at their end. */
function modelName(name: string): string {
  const parsed = fraNameSchema.safeParse(name);
  if (parsed.success) return parsed.data;
  throw new ConfigError('bad-name', `--name (default: the name of OUT): ${describeIssues(parsed.error)}`, {
    found: name,
  });
}

function partFolders({ generator, parts }: TrainFlags): string[] {
  if (generator === 'mixture' && parts === undefined) {
    throw new ConfigError(
      'bad-parts',
      '--generator mixture: expected --parts with the models that it mixes, found none',
    );
  }
  return (parts ?? []).map((folder) => resolve(folder));
}
