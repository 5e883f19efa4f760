/** One row of the table: a method through all trials and tasks. */
import { type Gallery, openGalleries } from './gallery.ts';
import type { Method } from './method.ts';
import type { Task } from './metrics.ts';
import { addHits, emptyOutcomes, type Hit, type HitMetric, type RowOutcomes } from './outcomes.ts';
import type { FaceClass } from './people.ts';
import { JITTER } from './rivals/unlearned.ts';
import { clusterProbes } from './tasks/clustering.ts';
import { trainCosineHead } from './tasks/cosineHead.ts';
import { nearest, nearestMeans } from './tasks/nearestMean.ts';
import { rankOne, templatePrecisions } from './tasks/retrieval.ts';
import { chooseSvmSettings, labelled, type SvmSettings, svmAnswers } from './tasks/svmTask.ts';
import { compareFrontalProfile, compareTemplates } from './tasks/verification.ts';
import { type TargetPose, type Trial, targetPoses } from './trials.ts';

export interface RowPlan {
  readonly trials: readonly Trial[];
  readonly seeds: number;
  readonly variants: number;
  readonly tasks: readonly Task[];
  /** Position among the evaluated people of a class; −1 for distractors. */
  readonly personOf: (classIndex: number) => number;
  /** Settings of a trial's support vector machines, the same for every row. */
  readonly svmSettings: (trial: Trial) => Promise<SvmSettings>;
}

export function personPositions(classes: readonly FaceClass[]): (classIndex: number) => number {
  const positions = new Map<number, number>();
  for (const { index, role } of classes) if (role === 'evaluated') positions.set(index, positions.size);
  return (classIndex) => positions.get(classIndex) ?? -1;
}

/** Settings are chosen when the first row asks and kept for the others. */
export function svmSettingsOf(variants: number): RowPlan['svmSettings'] {
  const chosen = new Map<Trial, Promise<SvmSettings>>();
  return (trial) => {
    const known = chosen.get(trial) ?? choose(trial, variants);
    chosen.set(trial, known);
    return known;
  };
}

async function choose(trial: Trial, variants: number): Promise<SvmSettings> {
  const [gallery] = await openGalleries(JITTER, trial, targetPoses(trial, variants));
  return chooseSvmSettings(gallery!);
}

export async function measureRow(method: Method, plan: RowPlan): Promise<RowOutcomes> {
  const outcomes = emptyOutcomes(plan.seeds);
  for (const trial of plan.trials) {
    const targets = targetPoses(trial, plan.variants);
    for (const gallery of await openGalleries(method, trial, targets))
      await runTasks(gallery, plan, outcomes);
  }
  return outcomes;
}

/** Nearest class mean alone, with any number of variants: for curves. */
export async function measureNearestMean(
  method: Method,
  plan: RowPlan,
  targetsOf: (trial: Trial) => readonly TargetPose[],
): Promise<Hit[]> {
  const hits: Hit[] = [];
  for (const trial of plan.trials) {
    for (const gallery of await openGalleries(method, trial, targetsOf(trial))) {
      hits.push(...answersToHits(gallery, nearestMeans(gallery), plan));
    }
  }
  return hits;
}

async function runTasks(gallery: Gallery, plan: RowPlan, outcomes: RowOutcomes): Promise<void> {
  const { tasks, personOf } = plan;
  const { seed } = gallery.trial;
  const add = (metric: HitMetric, answers: readonly number[]) =>
    addHits(outcomes, metric, answersToHits(gallery, answers, plan));
  add('ncm', nearestMeans(gallery));
  if (tasks.includes('identification')) {
    const { linear, rbf } = await svmAnswers(gallery, await plan.svmSettings(gallery.trial));
    add('svmLinear', linear);
    add('svmRbf', rbf);
  }
  if (tasks.includes('retraining')) {
    const { embeddings, labels } = labelled(gallery.enrolled);
    const head = trainCosineHead(embeddings, labels, gallery.enrolled.length);
    add(
      'head',
      gallery.probes.map(({ embedding }) => nearest(head, embedding)),
    );
  }
  if (tasks.includes('verification')) {
    outcomes.templates[seed]!.push(...compareTemplates(gallery, personOf));
    outcomes.frontalProfile[seed]!.push(...compareFrontalProfile(gallery, personOf));
  }
  if (tasks.includes('clustering')) outcomes.clusterings.push(clusterProbes(gallery, personOf));
  if (tasks.includes('retrieval')) {
    const found = rankOne(gallery);
    addHits(
      outcomes,
      'rank1',
      gallery.probes.map(({ person, photograph }, i) => ({
        person: personOf(person.index),
        yaw: photograph.yaw,
        value: Number(found[i]),
      })),
    );
    addHits(
      outcomes,
      'meanAveragePrecision',
      templatePrecisions(gallery).flatMap(({ classIndex, value }) =>
        Number.isFinite(value) ? [{ person: personOf(classIndex), yaw: 0, value }] : [],
      ),
    );
  }
}

/** Right or wrong of each probe. */
function answersToHits(
  { probes }: Gallery,
  answers: readonly number[],
  { personOf }: Pick<RowPlan, 'personOf'>,
): Hit[] {
  return probes.map(({ person, photograph }, i) => ({
    person: personOf(person.index),
    yaw: photograph.yaw,
    value: Number(answers[i] === person.index),
  }));
}
