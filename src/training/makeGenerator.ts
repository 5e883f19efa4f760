/** Makes the generator that was asked for: by descent, in closed form, or out of others. */

import type { GeneratorConfig } from '../fra/generators/generatorConfig.ts';
import { openGenerator } from '../fra/generators/generators.ts';
import { defaultResidualMlp } from '../fra/generators/residualMlp.ts';
import { defaultVit } from '../fra/generators/vit.ts';
import { disposeWeights, type NamedWeights, trainableWeights } from '../fra/networks/weights.ts';
import { unitAnswers } from '../fra/training/answers.ts';
import { combinerTask, type Probe } from '../fra/training/combinerTask.ts';
import type { PairSample } from '../fra/training/pairs.ts';
import { fitPoseReadOut } from '../fra/training/poseReadOut.ts';
import { judgeRetrieval, type RetrievalTask, retrievalQuestions } from '../fra/training/retrieval.ts';
import { peopleDigest } from '../fra/training/reuseAutoencoder.ts';
import { solveLinear } from '../fra/training/solveLinear.ts';
import { makeTurns, usableBasis } from '../fra/training/turns.ts';
import { mixParts } from './mixParts.ts';
import type { StageRunner } from './runStage.ts';
import type { GeneratorRequest, TrainConfig } from './trainConfig.ts';

export interface MakeRequest {
  readonly config: TrainConfig;
  readonly recognizerSha256: string;
  readonly encoderSha256: string | null;
  /** Digest of the autoencoder's weights, before its codes are scaled. */
  readonly encoder: string;
  /** Names of the people who train and who validate. */
  readonly trainingPeople: readonly string[];
  readonly validationPeople: readonly string[];
  readonly training: readonly PairSample[];
  readonly validation: readonly PairSample[];
  readonly probes: readonly Probe[];
  readonly tasks: readonly RetrievalTask[];
  readonly run: StageRunner;
  readonly note: (line: string) => void;
}

export interface MadeGenerator {
  readonly config: GeneratorConfig;
  readonly weights: NamedWeights;
  /** Best step of a descent; null: there was none. */
  readonly step: number | null;
  /** What was chosen on validation people, and from what. */
  readonly choices: readonly string[];
}

export async function makeGenerator(request: MakeRequest): Promise<MadeGenerator> {
  const { config, training, tasks } = request;
  const wanted = config.generator;
  const identityDim = training[0]!.embedding.length;
  const choices: string[] = [];
  const note = (line: string) => {
    choices.push(line);
    request.note(line);
  };
  const unchanged = judgeRetrieval(
    tasks,
    retrievalQuestions(tasks).map(({ identity }) => identity),
  );
  note(
    `unchanged identities: retrieval loss ${unchanged.loss.toFixed(4)}, rank-1 ${unchanged.rank1.toFixed(3)}`,
  );
  switch (wanted.kind) {
    case 'mean-offset':
    case 'ridge': {
      const solved = solveLinear({
        kind: wanted.kind,
        identityDim,
        knots: knotsOf(wanted),
        pitch: wanted.posture !== 'none' && wanted.posture !== 'yaw',
        training,
        validation: request.validation,
        judge: (candidate, weights) => retrievalLoss(candidate, weights, tasks),
        note,
      });
      return { ...solved, step: null, choices };
    }
    case 'mixture': {
      const mixed = await mixParts({
        folders: wanted.parts,
        recognizerSha256: request.recognizerSha256,
        posture: wanted.posture,
        validation: request.validationPeople,
        encoderSha256: request.encoderSha256,
        tasks,
        note,
      });
      return { ...mixed, step: null, choices };
    }
    case 'residual-mlp': {
      const { weights: fixed, error } = fitPoseReadOut(training, request.validation);
      note(`pose read off the posture: yaw off by ${error.toFixed(1)}° on validation people`);
      const network = defaultResidualMlp(identityDim, wanted.knots, wanted.condition);
      return { ...(await descend(request, note, network, fixed)), choices };
    }
    case 'vit':
    case 'vit-published':
    case 'vit-prefix':
    case 'vit-late': {
      const usual = defaultVit(wanted.kind, identityDim);
      const network = {
        ...usual,
        identityResidual: wanted.identityResidual ?? usual.identityResidual,
        identityGate: usual.identityGate && wanted.identityResidual !== false,
        normalizeOutput: wanted.normalizeOutput ?? usual.normalizeOutput,
      };
      return { ...(await descend(request, note, network)), choices };
    }
  }
}

/** Without a pose there is one change for all. */
function knotsOf({ posture, knots }: GeneratorRequest): readonly number[] {
  return posture === 'none' ? [0] : knots;
}

/**
 * Refuses before hours of training what a closed form could not be fitted to. The samples need no codes yet: poses as
 * they were measured stand for those that will be read off their codes.
 *
 * @throws ConfigError when no yaw knot has enough faces.
 */
export function requireKnots(wanted: GeneratorRequest, training: readonly PairSample[]): void {
  if (wanted.kind !== 'ridge' && wanted.kind !== 'mean-offset') return;
  usableBasis({ knots: knotsOf(wanted), pitch: false }, makeTurns(training), (face) => face);
}

/** Learns by descent; `fixed` weights stay as they are. */
async function descend(
  { config, encoder, trainingPeople, training, probes, tasks, run }: MakeRequest,
  note: (line: string) => void,
  network: GeneratorConfig,
  fixed: NamedWeights = new Map(),
): Promise<Omit<MadeGenerator, 'choices'>> {
  const { weights, state } = await run('combiner', config.combiner, () =>
    combinerTask({
      ...config.combiner,
      network,
      fixed,
      seed: config.seed,
      posture: config.generator.posture,
      encoder,
      trainingPeople: peopleDigest(trainingPeople),
      samples: training,
      validation: probes,
      tasks,
    }),
  );
  note(`step ${state.bestStep} of ${state.step}: retrieval loss ${state.bestScore?.toFixed(4) ?? 'none'}`);
  // In the order of the specification, whichever was learnt.
  const all = new Map([...fixed, ...weights]);
  const names = Object.keys(openGenerator(network).specs);
  return {
    config: network,
    weights: new Map(names.map((name) => [name, all.get(name)!])),
    step: state.bestStep,
  };
}

function retrievalLoss(
  config: GeneratorConfig,
  weights: NamedWeights,
  tasks: readonly RetrievalTask[],
): number {
  const tensors = trainableWeights(weights);
  const answers = unitAnswers(openGenerator(config), tensors, retrievalQuestions(tasks));
  disposeWeights(tensors);
  return judgeRetrieval(tasks, answers).loss;
}
