/**
 * What a list of scored pairs says: accuracy at the best threshold of the other folds, equal error rate, true accepts
 * at false accept rates. Intervals come from leaving out one fold after the other.
 */
import { countImpostors, errorRates, type ScoreSet } from '../metrics/errorRates.ts';
import type { Interval } from '../result.ts';

/** Scored pairs, highest score first; `set.person` holds the fold of a pair. */
export interface ScoredPairs {
  readonly scores: Float64Array;
  readonly set: ScoreSet;
  readonly folds: number;
}

/** Entry i of every array is pair i, in any order. Scores are similarities. Made without an object a pair. */
export function scorePairs(
  scores: Float64Array,
  same: Uint8Array,
  fold: Int32Array,
  folds: number,
): ScoredPairs {
  const order = Uint32Array.from(scores, (_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
  const sorted = Float64Array.from(order, (i) => scores[i]!);
  const [genuineOf, impostorOf] = [new Int32Array(folds), new Int32Array(folds)];
  same.forEach((genuine, i) => {
    (genuine === 1 ? genuineOf : impostorOf)[fold[i]!]! += 1;
  });
  return {
    scores: sorted,
    folds,
    set: {
      genuine: Uint8Array.from(order, (i) => same[i]!),
      person: Int32Array.from(order, (i) => fold[i]!),
      last: Uint8Array.from(sorted, (score, i) => Number(sorted[i + 1] !== score)),
      genuineOf,
      impostorOf,
    },
  };
}

/** One measure as a function of how often each fold counts. */
export type PairStatistic = (weights: Float64Array) => number;

/** False accept rates that are reported where a list has pairs enough for them. */
const FALSE_ACCEPT_RATES = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6] as const;
/** Impostor pairs that must lie above a threshold before its rate means anything. */
const MIN_FALSE_ACCEPTS = 3;

export interface PairMeasure {
  readonly name: string;
  readonly better: 'higher' | 'lower';
  readonly meaning: string;
  readonly statistic: PairStatistic;
}

/** The measures that this many pairs allow, the most usual first. */
export function pairMeasures(pairs: ScoredPairs): PairMeasure[] {
  const { set } = pairs;
  const impostors = countImpostors(set);
  const accuracies = foldAccuracies(pairs);
  return [
    {
      name: 'accuracy',
      better: 'higher',
      meaning: 'right answers at the threshold that is best on the other folds, mean over folds',
      statistic: (weights) => weightedMean(accuracies, weights),
    },
    {
      name: 'EER',
      better: 'lower',
      meaning: 'equal error rate over all folds',
      statistic: (weights) => errorRates(set, [], weights).equal,
    },
    ...FALSE_ACCEPT_RATES.filter((far) => far * impostors >= MIN_FALSE_ACCEPTS - 1e-9).map(
      (far): PairMeasure => ({
        name: `TAR@${far >= 0.01 ? far : far.toExponential(0)}`,
        better: 'higher',
        meaning: `true accept rate where a share of ${far} of the impostor pairs is accepted`,
        statistic: (weights) => errorRates(set, [far], weights).tar[0]!,
      }),
    ),
  ];
}

/**
 * Share of right answers in each fold at the threshold that gives the most right answers in all other folds; among
 * equally good thresholds the highest. NaN for a fold without pairs.
 */
export function foldAccuracies({ scores, set, folds }: ScoredPairs): Float64Array {
  const accuracies = new Float64Array(folds);
  for (let fold = 0; fold < folds; fold++) {
    const threshold = bestThreshold(scores, set, fold);
    let [right, pairs] = [0, 0];
    for (let i = 0; i < scores.length; i++) {
      if (set.person[i] !== fold) continue;
      pairs++;
      if (scores[i]! >= threshold === (set.genuine[i] === 1)) right++;
    }
    accuracies[fold] = right / pairs;
  }
  return accuracies;
}

/** Half-way between the scores that it divides. */
function bestThreshold(scores: Float64Array, { genuine, person }: ScoreSet, without: number): number {
  let threshold = Number.POSITIVE_INFINITY;
  // Right answers when the pairs met so far are accepted, less those when nothing is.
  let [gain, best] = [0, 0];
  let last = Number.NaN;
  let pending = false;
  for (let i = 0; i < scores.length; i++) {
    if (person[i] === without) continue;
    const score = scores[i]!;
    if (pending && score !== last) {
      threshold = (last + score) / 2;
      pending = false;
    }
    gain += genuine[i] === 1 ? 1 : -1;
    last = score;
    // Equal scores are accepted together: a best place inside them is confirmed only behind the last of them.
    const next = nextScore(scores, person, i, without);
    if (gain > best && next !== score) {
      best = gain;
      pending = true;
    }
  }
  return pending ? Number.NEGATIVE_INFINITY : threshold;
}

function nextScore(scores: Float64Array, person: Int32Array, i: number, without: number): number {
  for (let next = i + 1; next < scores.length; next++) if (person[next] !== without) return scores[next]!;
  return Number.NaN;
}

function weightedMean(values: Float64Array, weights: Float64Array): number {
  let [sum, total] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    if (weights[i] === 0 || Number.isNaN(values[i]!)) continue;
    sum += weights[i]! * values[i]!;
    total += weights[i]!;
  }
  return sum / total;
}

/** 97.5 % points of Student's t for 1 to 9 degrees of freedom; lists have ten folds at most. */
const STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262] as const;

/**
 * A statistic on all folds with its 95 % interval by the jackknife over folds, inside the range that the statistic can
 * take. For the accuracy this is the usual mean ± t · standard error over folds. Where a fold cannot be left out (it
 * holds all genuine pairs), nothing is known and the interval is the whole range. NaN when the value is.
 */
export function jackknife(
  statistic: PairStatistic,
  folds: number,
  [least, most]: readonly [number, number],
): Interval {
  const value = statistic(new Float64Array(folds).fill(1));
  const without = Array.from({ length: folds }, (_, fold) =>
    statistic(Float64Array.from({ length: folds }, (_, i) => (i === fold ? 0 : 1))),
  );
  const mean = without.reduce((sum, one) => sum + one, 0) / folds;
  if (!Number.isFinite(mean)) return { value, low: least, high: most };
  const variance = ((folds - 1) / folds) * without.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  const half = (STUDENT[folds - 2] ?? 2.262) * Math.sqrt(variance);
  return { value, low: Math.max(least, value - half), high: Math.min(most, value + half) };
}
