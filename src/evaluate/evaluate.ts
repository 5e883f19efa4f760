/** An evaluation from corpora to result: embed, refuse leaks, measure every row for every recogniser, judge. */
import { join } from 'node:path';
import type { FraModel } from '../fra/fraModel.ts';
import type { ResolvedModel } from '../models/cache.ts';
import { createReleasers } from '../shared/async/releasers.ts';
import { version } from '../shared/package.ts';
import type { PipelineModels } from '../worker/models/pipelineModels.ts';
import { type CorpusInput, embedEnrolmentViews, embedPeople } from './corpus/embedPeople.ts';
import { networkCost } from './cost.ts';
import { detectableGain, type MeasuredRow } from './evaluateRows.ts';
import { drawExamples } from './examples.ts';
import { fraRowIds } from './generators/fraMethods.ts';
import { generatorId } from './generators/generatorId.ts';
import { findLeaks, refuseLeaks, type TrainingRecord, trainingRecord } from './leakage.ts';
import { measureRecognizer, planRows, type RowsPlan } from './measureRecognizer.ts';
import type { Method } from './method.ts';
import { allMethods } from './methods.ts';
import type { FaceClass } from './people.ts';
import type { RecognizerJob } from './recognizerJob.ts';
import type { Cost, EvaluationResult, Example, Protocol, RecognizerResult } from './result.ts';
import { type PosePair, syntheticPairs } from './rivals/posePairs.ts';
import { openRowsPool } from './rowsPool.ts';
import { type EvaluationHooks, type EvaluationSettings, RESAMPLES } from './settings.ts';
import { findShared, refuseShared } from './sharedPeople.ts';
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
  /** Rows measured at the same time. */
  readonly threads: number;
  /** DIR/work: caches. */
  readonly work: string;
  /** As typed. */
  readonly command: string;
  /** Milliseconds. */
  readonly clock: () => number;
  readonly hooks: EvaluationHooks;
}

/**
 * @throws ConfigError when there are too few people or somebody is also a distractor, or on leakage that was not
 *   allowed.
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
  refuseShared(findShared(people.known));
  const leakage = findLeaks(records, people.known, settings.subjectPrefix);
  if (!settings.allowLeakage) refuseLeaks(leakage);
  const anyClasses = [...people.classes.values()][0]!;
  const views = await embedEnrolmentViews(people, targetRange(anyClasses, settings), options);
  const jobs: RecognizerJob[] = [];
  const costs: Pick<RecognizerResult, 'cost' | 'parts'>[] = [];
  for (const pipeline of recognizers) {
    const { recognizer } = pipeline;
    const { name } = recognizer;
    const pairs = input.pairs.get(name)?.pairs;
    const ownViews = views.get(name)!;
    const others = allMethods(ownViews, pairs && syntheticPairs(pairs), []);
    const job = {
      ...{ name, classes: people.classes.get(name)!, views: ownViews },
      ...(pairs && { pairs }),
      models: await modelsOf(input.models, recognizer.sourceDigest, others),
    };
    jobs.push(job);
    // What is wrong with a network shows before hours of measuring.
    costs.push({ cost: await modelCost(recognizer), parts: await measureParts(pipeline, job, input.models) });
  }
  const results: RecognizerResult[] = [];
  const examples: Example[] = [];
  let pairs = { genuine: 0, impostor: 0 };
  const releasers = createReleasers();
  try {
    const plans: RowsPlan[] = [];
    for (const job of jobs) plans.push(await planRows(job, settings, releasers));
    // A further thread would have nothing to do.
    const most = Math.max(...plans.map(({ context, curves }) => context.methods.length + curves.length));
    const pool = await openRowsPool(Math.min(input.threads, most), { jobs, settings });
    releasers.push('threads', () => pool.close());
    for (const [i, { recognizer }] of recognizers.entries()) {
      const job = jobs[i]!;
      const measured = await measureRecognizer(job.name, plans[i]!, pool, settings, hooks);
      pairs = measured.pairs;
      results.push({
        name: job.name,
        embedDim: recognizer.entry.embedDim!,
        ...costs[i]!,
        verdicts: verdictsOf(measured.rows),
        rows: measured.rows.map(({ row }) => row),
        curves: measured.curves,
        smallestDetectableGain: detectableGain(measured.rows),
      });
      if (i > 0) continue;
      const shown = await pool.examples(job.name, exampleRow(measured.rows));
      examples.push(...(await drawExamples(shown, people.files)));
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

/** The models that belong to a recogniser, named unlike its `others` and each other. */
async function modelsOf(
  models: EvaluationInput['models'],
  recognizerDigest: string,
  others: readonly Method[],
): Promise<RecognizerJob['models']> {
  const found: RecognizerJob['models'][number][] = [];
  const taken = new Set(others.map(({ id }) => id));
  for (const { model } of models) {
    const { name, recognizer } = model.card;
    if (recognizer.sha256 !== recognizerDigest) continue;
    const id = generatorId(name, taken, fraRowIds);
    for (const row of fraRowIds(id)) taken.add(row);
    const { parameters, multiplyAdds } = await networkCost(model.paths.combiner);
    found.push({
      id,
      folder: model.folder,
      size: { parameters: parameters ?? 0, multiplyAdds: multiplyAdds ?? 0 },
    });
  }
  return found;
}

/** Cost of what stands before recogniser and combiner. A detector of several networks has no single size: left out. */
async function measureParts(
  { resolved, recognizer }: PipelineModels,
  job: RecognizerJob,
  models: EvaluationInput['models'],
): Promise<NonNullable<RecognizerResult['parts']>> {
  const parts: NonNullable<RecognizerResult['parts']> = [];
  for (const model of resolved) {
    const { name, kind, files } = model;
    if (name === recognizer.name || Object.keys(files).length !== 1) continue;
    parts.push({ name: `${name} (${kind})`, cost: await modelCost(model) });
  }
  for (const { id, folder } of job.models) {
    const { model } = models.find((entry) => entry.model.folder === folder)!;
    parts.push({ name: `FRA ${id}, posture encoder`, cost: await networkCost(model.paths.encoder) });
  }
  return parts;
}

/** Of a model of one network. */
function modelCost({ files, entry }: ResolvedModel): Promise<Cost> {
  const [[role, path] = []] = Object.entries(files);
  return networkCost(path!, entry.files[role!]!.inputs[0]!.shape);
}

/** The row whose right and wrong answers are shown: the best generator, or the best rival where there is none. */
function exampleRow(rows: readonly MeasuredRow[]): string {
  const generators = rows.filter(({ row }) => row.kind === 'generator');
  const candidates = generators.length > 0 ? generators : rows.filter(({ row }) => row.kind === 'rival');
  return candidates.reduce((a, b) => (b.row.metrics.ncm!.value > a.row.metrics.ncm!.value ? b : a)).row.id;
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
