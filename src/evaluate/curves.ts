/** Accuracy against the number of variants, and of people that a method learned from; of the first seed's folds. */
import { seededRandom, shuffle } from '../shared/random.ts';
import { interval, resample } from './bootstrap.ts';
import type { MeasuredRows } from './evaluateRows.ts';
import { measureNearestMean } from './measureRow.ts';
import type { Method } from './method.ts';
import { meanOfHits } from './outcomes.ts';
import type { Curve } from './result.ts';
import type { PairSource, PosePair } from './rivals/posePairs.ts';
import { type TargetPose, type Trial, targetPoses } from './trials.ts';

const VARIANT_COUNTS = [1, 2, 5, 10, 20] as const;
const PEOPLE_COUNTS = [3, 6, 12, 25, 50, 100, 200, 400] as const;

export async function variantCurves(measured: MeasuredRows, methods: readonly Method[]): Promise<Curve[]> {
  const curves: Curve[] = [];
  for (const method of methods) {
    const points = [];
    for (const count of VARIANT_COUNTS) {
      points.push(await point(measured, method, count, (trial) => targetPoses(trial, count)));
    }
    curves.push({ rowId: method.id, label: method.label, points });
  }
  return curves;
}

/** `makers`: methods that learn from pairs, each made anew for the pairs of the first n people. */
export async function peopleCurves(
  measured: MeasuredRows,
  source: PairSource,
  makers: readonly ((source: PairSource) => Method)[],
): Promise<Curve[]> {
  const most = Math.min(...firstSeed(measured.plan).map((trial) => peopleOf(source.pairs(trial)).length));
  const counts = [...PEOPLE_COUNTS.filter((count) => count < most), most];
  const curves: Curve[] = [];
  for (const make of makers) {
    const { id, label } = make(source);
    const points = [];
    for (const count of counts) {
      const method = make(limitPeople(source, count));
      points.push(
        await point(measured, method, count, (trial) => targetPoses(trial, measured.plan.variants)),
      );
    }
    curves.push({ rowId: id, label: `${label}, ${source.id} pairs`, points });
  }
  return curves;
}

async function point(
  { plan, draws }: MeasuredRows,
  method: Method,
  x: number,
  targetsOf: (trial: Trial) => readonly TargetPose[],
): Promise<Curve['points'][number]> {
  const hits = await measureNearestMean(method, { ...plan, trials: firstSeed(plan) }, targetsOf);
  return { x, ncm: interval(resample(meanOfHits(hits), draws))! };
}

function firstSeed({ trials }: MeasuredRows['plan']): Trial[] {
  return trials.filter(({ seed }) => seed === 0);
}

function peopleOf(pairs: readonly PosePair[]): string[] {
  return [...new Set(pairs.map(({ subjectId }) => subjectId))].sort();
}

/** The pairs of `count` people, drawn anew for each seed. */
function limitPeople(source: PairSource, count: number): PairSource {
  const limited = new Map<readonly PosePair[], Map<number, PosePair[]>>();
  return {
    ...source,
    pairs(trial) {
      const pairs = source.pairs(trial);
      const bySeed = limited.get(pairs) ?? new Map<number, PosePair[]>();
      limited.set(pairs, bySeed);
      const known = bySeed.get(trial.seed);
      if (known !== undefined) return known;
      const chosen = new Set(
        shuffle(seededRandom(trial.seed, 'fewer people'), peopleOf(pairs)).slice(0, count),
      );
      const part = pairs.filter(({ subjectId }) => chosen.has(subjectId));
      bySeed.set(trial.seed, part);
      return part;
    },
  };
}
