/** A row's numbers with their bootstrap draws, before it is compared with other rows. Plain data. */
import { type Resampled, recentre, resample } from './bootstrap.ts';
import { variantRequests } from './gallery.ts';
import { measureRow, type RowPlan } from './measureRow.ts';
import type { Method } from './method.ts';
import { METRIC_NAMES, type MetricName } from './metrics.ts';
import { type Hit, type RowOutcomes, rowStatistics } from './outcomes.ts';
import type { Cost } from './result.ts';
import { type Trial, targetPoses } from './trials.ts';

export interface RowMeasurement {
  readonly method: Omit<Method, 'prepare'>;
  readonly metrics: ReadonlyMap<MetricName, Resampled>;
  /** Right or wrong by the nearest class mean, each probe once a seed. */
  readonly ncmHits: readonly Hit[];
  /** Of one seed's verification against templates. */
  readonly pairs: { readonly genuine: number; readonly impostor: number };
  readonly cost: Cost | null;
}

export async function measureMethod(
  method: Method,
  plan: RowPlan,
  draws: readonly Float64Array[],
): Promise<RowMeasurement> {
  const outcomes = await measureRow(method, plan);
  const comparisons = outcomes.templates[0] ?? [];
  const genuine = comparisons.filter((pair) => pair.genuine).length;
  const { prepare: _, ...description } = method;
  return {
    method: description,
    metrics: resampleMetrics(outcomes, draws),
    ncmHits: outcomes.hits.get('ncm') ?? [],
    pairs: { genuine, impostor: comparisons.length - genuine },
    cost: await measureCost(method, plan.trials[0]!, plan.variants),
  };
}

/**
 * A draw has fewer people than everybody: fewer of another person's faces are there to be mistaken for somebody's, so
 * that both F rise, and NMI falls, because what is shared shrinks more than the entropies do.
 */
const BIASED: readonly MetricName[] = ['pairwiseF', 'bcubed', 'nmi'];

/** Every metric that the outcomes allow, on everybody and on every draw. */
export function resampleMetrics(
  outcomes: RowOutcomes,
  draws: readonly Float64Array[],
): Map<MetricName, Resampled> {
  const statistics = rowStatistics(outcomes);
  const metrics = new Map<MetricName, Resampled>();
  for (const name of METRIC_NAMES) {
    const statistic = statistics.get(name);
    if (statistic === undefined) continue;
    const resampled = resample(statistic, draws);
    metrics.set(name, BIASED.includes(name) ? recentre(resampled) : resampled);
  }
  return metrics;
}

/** Requests that a method's speed is measured on. */
const TIMED_REQUESTS = 200;

/** Size as the method states it; speed of generating alone, learning not counted. */
async function measureCost(method: Method, trial: Trial, variants: number): Promise<Cost | null> {
  if (method.kind === 'none' || method.kind === 'oracle') return null;
  const prepared = await method.prepare(trial);
  const requests = variantRequests(trial.classes, targetPoses(trial, variants)).slice(0, TIMED_REQUESTS);
  // What is learned or loaded on the first request is not generation.
  await prepared.generate(requests);
  const started = performance.now();
  const made = (await prepared.generate(requests)).filter((embedding) => embedding !== undefined);
  const seconds = (performance.now() - started) / 1000;
  const parameters = prepared.size?.parameters ?? null;
  const perSecond = method.perSecond === undefined ? made.length / seconds : method.perSecond;
  return {
    parameters,
    multiplyAdds: prepared.size?.multiplyAdds ?? null,
    perSecond: made.length === 0 ? null : perSecond,
    weightBytes: parameters === null ? null : 4 * parameters,
  };
}
