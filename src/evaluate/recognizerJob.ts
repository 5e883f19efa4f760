/**
 * Everything that the rows of one recogniser need, as plain data that travels to a thread, and what is opened of it.
 */
import { openFraModel } from '../fra/fraModel.ts';
import type { Releasers } from '../shared/async/releasers.ts';
import { openCombiner } from '../worker/models/combiner.ts';
import { drawPeople } from './bootstrap.ts';
import type { OpenedFra } from './generators/fraMethods.ts';
import { personPositions, type RowPlan, svmSettingsOf } from './measureRow.ts';
import type { Method, MethodSize } from './method.ts';
import { allMethods } from './methods.ts';
import type { FaceClass } from './people.ts';
import type { ViewTable } from './rivals/pictureViews.ts';
import { type PairSource, type PosePair, REAL_PAIRS, syntheticPairs } from './rivals/posePairs.ts';
import { type EvaluationSettings, RESAMPLES } from './settings.ts';
import { planTrials } from './trials.ts';

export interface RecognizerJob {
  readonly name: string;
  readonly classes: readonly FaceClass[];
  readonly views: ViewTable;
  /** Synthetic pairs. */
  readonly pairs?: readonly PosePair[];
  readonly models: readonly {
    /** Unique among the rows. */
    readonly id: string;
    readonly folder: string;
    readonly size: MethodSize;
  }[];
}

/** A job with its methods ready; the same in every thread. */
export interface RecognizerContext {
  readonly methods: readonly Method[];
  readonly sources: readonly PairSource[];
  readonly plan: RowPlan;
  readonly draws: readonly Float64Array[];
}

export async function openContext(
  job: RecognizerJob,
  settings: EvaluationSettings,
  releasers: Releasers,
): Promise<RecognizerContext> {
  const models: OpenedFra[] = [];
  for (const { id, folder, size } of job.models) {
    const model = await openFraModel(folder);
    const combiner = await openCombiner(model.paths.combiner, { device: 'cpu', intraOpThreads: 1 });
    releasers.push('combiner', () => combiner.close());
    models.push({ id, model, combiner, size });
  }
  const synthetic = job.pairs && syntheticPairs(job.pairs);
  return {
    methods: allMethods(job.views, synthetic, models),
    sources: [REAL_PAIRS, ...(synthetic ? [synthetic] : [])],
    ...measuringPlan(job.classes, settings),
  };
}

export function measuringPlan(
  classes: readonly FaceClass[],
  settings: EvaluationSettings,
): Pick<RecognizerContext, 'plan' | 'draws'> {
  const people = classes.filter(({ role }) => role === 'evaluated').length;
  return {
    plan: {
      trials: planTrials(classes, settings),
      seeds: settings.seeds,
      variants: settings.variants,
      tasks: settings.tasks,
      personOf: personPositions(classes),
      svmSettings: svmSettingsOf(settings.variants),
    },
    draws: drawPeople(people, RESAMPLES, settings.seed),
  };
}
