/** What the trials of one row said, gathered probe by probe, and the statistics over people that come from it. */
import type { Statistic } from './bootstrap.ts';
import {
  type Comparison,
  countImpostors,
  type ErrorRates,
  errorRates,
  type ScoreSet,
  scoreSet,
} from './metrics/errorRates.ts';
import { comparePartitions, type PartitionAgreement } from './metrics/partitions.ts';
import type { MetricName } from './metrics.ts';

/** A number between 0 and 1 that one probe, or one query, contributed to a mean. */
export interface Hit {
  /** Position among the evaluated people. */
  readonly person: number;
  /** Of the probe, degrees. */
  readonly yaw: number;
  readonly value: number;
}

export interface Clustering {
  /** Entry i is face i. */
  readonly clusters: Int32Array;
  /** Position among the evaluated people, or −1 − class of a distractor. */
  readonly people: Int32Array;
}

/** Metrics that are means over probes. */
export type HitMetric = Extract<
  MetricName,
  'ncm' | 'svmLinear' | 'svmRbf' | 'head' | 'rank1' | 'meanAveragePrecision'
>;

/** Everything that was measured of one row. */
export interface RowOutcomes {
  readonly hits: Map<HitMetric, Hit[]>;
  /** Comparisons of each seed: probe against template, and probe against one enrolment photograph. */
  readonly templates: Comparison[][];
  readonly frontalProfile: Comparison[][];
  /** One a trial. */
  readonly clusterings: Clustering[];
}

export function emptyOutcomes(seeds: number): RowOutcomes {
  return {
    hits: new Map(),
    templates: Array.from({ length: seeds }, () => []),
    frontalProfile: Array.from({ length: seeds }, () => []),
    clusterings: [],
  };
}

export function addHits(outcomes: RowOutcomes, metric: HitMetric, hits: readonly Hit[]): void {
  const known = outcomes.hits.get(metric) ?? [];
  known.push(...hits);
  outcomes.hits.set(metric, known);
}

/** A rate at a false accept rate needs this many impostor pairs above the threshold to mean anything. */
const MIN_IMPOSTORS_ABOVE = 5;
const FALSE_ACCEPT_RATES = [
  { metric: 'tar2', far: 1e-2 },
  { metric: 'tar3', far: 1e-3 },
  { metric: 'tar4', far: 1e-4 },
] as const;

/** Each metric that this row's outcomes allow, as a function of how often each person counts. */
export function rowStatistics(outcomes: RowOutcomes): Map<MetricName, Statistic> {
  const statistics = new Map<MetricName, Statistic>();
  for (const [metric, hits] of outcomes.hits) statistics.set(metric, meanOfHits(hits));
  const templates = scoreSets(outcomes.templates);
  if (templates.length > 0) {
    const allowed = FALSE_ACCEPT_RATES.filter(({ far }) => enoughImpostors(templates, far));
    const rates = ratesOver(
      templates,
      allowed.map(({ far }) => far),
    );
    statistics.set('eer', (weights) => rates(weights).equal);
    allowed.forEach(({ metric }, i) => {
      statistics.set(metric, (weights) => rates(weights).tar[i]!);
    });
  }
  const pairs = scoreSets(outcomes.frontalProfile);
  if (pairs.length > 0) {
    const rates = ratesOver(pairs, [1e-2]);
    statistics.set('frontalProfileEer', (weights) => rates(weights).equal);
    if (enoughImpostors(pairs, 1e-2)) {
      statistics.set('frontalProfileTar2', (weights) => rates(weights).tar[0]!);
    }
  }
  if (outcomes.clusterings.length > 0) {
    const agreement = clusterAgreement(outcomes.clusterings);
    for (const metric of ['pairwiseF', 'bcubed', 'nmi'] as const) {
      statistics.set(metric, (weights) => agreement(weights)[metric]);
    }
  }
  return statistics;
}

/** Mean of the hits, each with its person's weight. */
export function meanOfHits(hits: readonly Hit[]): Statistic {
  // Sums by person, because it is asked for thousands of draws.
  const people = hits.reduce((most, { person }) => Math.max(most, person + 1), 0);
  const [sums, counts] = [new Float64Array(people), new Float64Array(people)];
  for (const { person, value } of hits) {
    sums[person]! += value;
    counts[person]! += 1;
  }
  return (weights) => {
    let [sum, count] = [0, 0];
    for (let person = 0; person < people; person++) {
      sum += weights[person]! * sums[person]!;
      count += weights[person]! * counts[person]!;
    }
    return sum / count;
  };
}

function scoreSets(seeds: readonly (readonly Comparison[])[]): ScoreSet[] {
  return seeds.filter((list) => list.length > 0).map(scoreSet);
}

/** Means over seeds. */
function ratesOver(
  sets: readonly ScoreSet[],
  fars: readonly number[],
): (weights: Float64Array) => ErrorRates {
  return once((weights) => {
    const each = sets.map((set) => errorRates(set, fars, weights));
    const mean = (of: (rates: ErrorRates) => number) =>
      each.reduce((sum, rates) => sum + of(rates) / each.length, 0);
    return { equal: mean(({ equal }) => equal), tar: fars.map((_, i) => mean(({ tar }) => tar[i]!)) };
  });
}

function enoughImpostors(sets: readonly ScoreSet[], far: number): boolean {
  return sets.every((set) => far * countImpostors(set) >= MIN_IMPOSTORS_ABOVE);
}

/** Several metrics come from one computation on the same draw; the answers to every draw are kept. */
function once<T>(compute: (weights: Float64Array) => T): (weights: Float64Array) => T {
  const known = new WeakMap<Float64Array, { readonly value: T }>();
  return (weights) => {
    const found = known.get(weights) ?? { value: compute(weights) };
    known.set(weights, found);
    return found.value;
  };
}

/** Means over trials; a trial none of whose people was drawn does not count. */
function clusterAgreement(clusterings: readonly Clustering[]): (weights: Float64Array) => PartitionAgreement {
  const trials = clusterings.map(({ clusters, people }) => ({
    compare: comparePartitions(clusters, people),
    tested: [...new Set(people)].filter((person) => person >= 0),
  }));
  return once((weights) => {
    const each = trials
      .filter(({ tested }) => tested.some((person) => weights[person]! > 0))
      .map(({ compare }) => compare((person) => (person < 0 ? 1 : weights[person]!)));
    const mean = (metric: keyof PartitionAgreement) =>
      each.reduce((sum, agreement) => sum + agreement[metric] / each.length, 0);
    return { pairwiseF: mean('pairwiseF'), bcubed: mean('bcubed'), nmi: mean('nmi') };
  });
}
