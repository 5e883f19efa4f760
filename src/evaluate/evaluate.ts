/** An evaluation from corpora to result: embed, refuse leaks, measure every row for every recogniser, judge. */
import { join } from 'node:path';
import type { FraModel } from '../fra/fraModel.ts';
import { version } from '../shared/package.ts';
import { createReleasers, type Releasers } from '../shared/releasers.ts';
import { openCombiner } from '../worker/models/combiner.ts';
import type { PipelineModels } from '../worker/models/pipelineModels.ts';
import { type CorpusInput, embedEnrolmentViews, embedPeople } from './corpus/embedPeople.ts';
import { networkCost } from './cost.ts';
import { peopleCurves, variantCurves } from './curves.ts';
import { type MeasuredRows, measureRows } from './evaluateRows.ts';
import { pickExamples } from './examples.ts';
import type { OpenedFra } from './generators/fraMethods.ts';
import { findLeaks, refuseLeaks, type TrainingRecord, trainingRecord } from './leakage.ts';
import type { Method } from './method.ts';
import { allMethods } from './methods.ts';
import type { FaceClass } from './people.ts';
import type { EvaluationResult, Example, Protocol, RecognizerResult } from './result.ts';
import { meanOffset } from './rivals/meanOffset.ts';
import { type PairSource, type PosePair, REAL_PAIRS, syntheticPairs } from './rivals/posePairs.ts';
import { ridgeMap } from './rivals/ridgeMap.ts';
import { type EvaluationHooks, type EvaluationSettings, RESAMPLES } from './settings.ts';
import { planTrials, targetPoses } from './trials.ts';
import { verdictsOf } from './verdict.ts';

export interface EvaluationInput {
  readonly corpora: readonly CorpusInput[];
  readonly recognizers: readonly PipelineModels[];
  readonly models: readonly { readonly asked: string; readonly model: FraModel }[];
  /** Recogniser name → synthetic pairs, with a record of the people in them. */
  readonly pairs: ReadonlyMap<
    string,
    { readonly pairs: readonly PosePair[]; readonly record: TrainingRecord }
  >;
  readonly settings: EvaluationSettings;
  /** DIR/work: caches. */
  readonly work: string;
  /** As typed. */
  readonly command: string;
  /** Milliseconds. */
  readonly clock: () => number;
  readonly hooks: EvaluationHooks;
}

/**
 * @throws ConfigError when there are too few people, or on leakage that was not allowed.
 */
export async function evaluate(input: EvaluationInput): Promise<EvaluationResult> {
  const { settings, hooks, recognizers } = input;
  const started = input.clock();
  const options = { recognizers, work: input.work, settings, hooks };
  // Names need no pictures: a leak by name is refused before anything is computed.
  const records = [
    ...input.models.map(({ model }) => trainingRecord(model.card)),
    ...[...input.pairs.values()].map(({ record }) => record),
  ];
  const named = input.corpora.flatMap(({ role, faces }) =>
    [...new Set(faces.map(({ subjectId }) => subjectId))].map((subjectId) => {
      return { subjectId, role, photographs: [], crops: [] };
    }),
  );
  if (!settings.allowLeakage) refuseLeaks(findLeaks(records, named, settings.subjectPrefix));
  const people = await embedPeople(input.corpora, options);
  const leakage = findLeaks(records, people.known, settings.subjectPrefix);
  if (!settings.allowLeakage) refuseLeaks(leakage);
  const anyClasses = [...people.classes.values()][0]!;
  const views = await embedEnrolmentViews(people, targetRange(anyClasses, settings), options);
  const releasers = createReleasers();
  const results: RecognizerResult[] = [];
  const examples: Example[] = [];
  let pairs = { genuine: 0, impostor: 0 };
  try {
    for (const { recognizer } of recognizers) {
      const { name } = recognizer;
      hooks.stage(name);
      const classes = people.classes.get(name)!;
      const models = await openModels(input.models, recognizer.sourceSha256, releasers);
      const known = input.pairs.get(name);
      const synthetic = known && syntheticPairs(known.pairs);
      const methods = allMethods(views.get(name)!, synthetic, models);
      const measured = await measureRows({ classes, methods, settings, hooks });
      pairs = measured.pairs;
      hooks.stage(`${name}, curves`);
      results.push({
        name,
        embedDim: recognizer.entry.embedDim!,
        cost: await networkCost(Object.values(recognizer.files)[0]!),
        verdicts: verdictsOf(measured.rows),
        rows: measured.rows.map(({ row }) => row),
        curves: await measureCurves(measured, methods, synthetic),
        smallestDetectableGain: measured.smallestDetectableGain,
      });
      if (examples.length === 0) examples.push(...(await pickExamples(measured, people.files, hooks.signal)));
    }
  } finally {
    await releasers.release();
  }
  const protocol: Protocol = {
    folds: settings.folds,
    seeds: settings.seeds,
    enrol: settings.enrol,
    variants: settings.variants,
    probes: settings.probes,
    ...countProtocol(anyClasses, settings),
    detector: settings.detector,
    tasks: [...settings.tasks],
    resamples: RESAMPLES,
    seed: settings.seed,
    shuffledLabels: settings.shuffleLabels,
    genuinePairs: pairs.genuine,
    impostorPairs: pairs.impostor,
  };
  return {
    schemaVersion: 1,
    posecastVersion: version,
    command: input.command,
    finishedAt: new Date(input.clock()).toISOString(),
    seconds: (input.clock() - started) / 1000,
    corpora: people.corpora,
    protocol,
    leakage,
    recognizers: results,
    examples,
    warnings: warningsOf(protocol, leakage.status === 'leaked', input.pairs.size === 0),
  };
}

function targetRange(classes: readonly FaceClass[], settings: EvaluationSettings): readonly [number, number] {
  const yaws = planTrials(classes, settings).flatMap((trial) =>
    targetPoses(trial, Math.max(settings.variants, 2)).map(({ yaw }) => yaw),
  );
  return [Math.min(...yaws), Math.max(...yaws)];
}

function countProtocol(
  classes: readonly FaceClass[],
  settings: EvaluationSettings,
): Pick<Protocol, 'classes' | 'evaluatedSubjects' | 'probeCount' | 'enrolYaw' | 'probeYaw' | 'targetYaw'> {
  const evaluated = classes.filter(({ role }) => role === 'evaluated');
  const median = (values: number[]) => values.map(Math.abs).sort((a, b) => a - b)[values.length >> 1] ?? 0;
  const [from, to] = targetRange(classes, settings);
  return {
    classes: classes.length,
    evaluatedSubjects: evaluated.length,
    probeCount: evaluated.reduce((sum, { probes }) => sum + probes.length, 0),
    enrolYaw: median(evaluated.flatMap(({ enrol }) => enrol.map(({ yaw }) => yaw))),
    probeYaw: median(evaluated.flatMap(({ probes }) => probes.map(({ yaw }) => yaw))),
    targetYaw: [from, to],
  };
}

/** The models that belong to a recogniser, with their networks open. */
async function openModels(
  models: EvaluationInput['models'],
  recognizerSha256: string,
  releasers: Releasers,
): Promise<OpenedFra[]> {
  const opened: OpenedFra[] = [];
  for (const { asked, model } of models) {
    if (model.card.recognizer.sha256 !== recognizerSha256) continue;
    const combiner = await openCombiner(model.paths.combiner, { device: 'cpu', intraOpThreads: 1 });
    releasers.push('combiner', () => combiner.close());
    const same = opened.filter(({ model: { card } }) => card.name === model.card.name).length;
    const id = same === 0 ? model.card.name : `${model.card.name}-${same + 1}`;
    const { parameters, multiplyAdds } = await networkCost(model.paths.combiner);
    opened.push({
      ...{ asked, id, model, combiner },
      size: { parameters: parameters ?? 0, multiplyAdds: multiplyAdds ?? 0 },
    });
  }
  return opened;
}

async function measureCurves(
  measured: MeasuredRows,
  methods: readonly Method[],
  synthetic: PairSource | undefined,
): Promise<RecognizerResult['curves']> {
  const source = synthetic ?? REAL_PAIRS;
  const shown = ['jitter', `mean-offset-${source.id}`, `ridge-${source.id}`];
  return {
    variants: await variantCurves(
      measured,
      methods.filter(({ id, kind }) => kind === 'generator' || shown.includes(id)),
    ),
    trainingPeople: [
      ...(await peopleCurves(measured, source, [meanOffset, ridgeMap])),
      ...(synthetic ? await peopleCurves(measured, REAL_PAIRS, [ridgeMap]) : []),
    ],
  };
}

/** Fewer evaluated people than this say little, whatever the interval. */
const FEW_PEOPLE = 30;

function warningsOf(
  { evaluatedSubjects, shuffledLabels }: Protocol,
  leaked: boolean,
  noPairs: boolean,
): string[] {
  return [
    ...(leaked
      ? ['LEAKAGE: people whom a model learned from are evaluated with it; its numbers are too good.']
      : []),
    ...(shuffledLabels
      ? [
          'SHUFFLED LABELS: nothing may help here. Rows of kind control learn from the tested people and may seem to.',
        ]
      : []),
    ...(evaluatedSubjects < FEW_PEOPLE
      ? [
          `Only ${evaluatedSubjects} people are evaluated: intervals over so few are rough, and rather too narrow.`,
        ]
      : []),
    ...(noPairs
      ? [
          'No --pairs: the rivals that learn from pairs had the training folds alone, not rendered pairs of others.',
        ]
      : []),
  ];
}

/** Folder of the caches below the folder of the report. */
export function workFolder(out: string): string {
  return join(out, 'work');
}
