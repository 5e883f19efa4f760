/** Accuracy against the number of variants, and of people that a method learned from; of the first seed's folds. */
import { seededRandom, shuffle } from '../shared/random.ts';
import { interval, resample } from './bootstrap.ts';
import { measureNearestMean } from './measureRow.ts';
import type { Method } from './method.ts';
import { meanOfHits } from './outcomes.ts';
import type { RecognizerContext } from './recognizerJob.ts';
import type { Curve } from './result.ts';
import { meanOffset } from './rivals/meanOffset.ts';
import type { PairSource, PosePair } from './rivals/posePairs.ts';
import { ridgeMap } from './rivals/ridgeMap.ts';
import { type TargetPose, type Trial, targetPoses } from './trials.ts';

const VARIANT_COUNTS = [1, 2, 5, 10, 20] as const;
const PEOPLE_COUNTS = [3, 6, 12, 25, 50, 100, 200, 400] as const;

/** The methods that a number of people is a setting of. */
const PAIR_METHODS = { 'mean-offset': meanOffset, ridge: ridgeMap } as const;

export type CurveRequest =
  | { readonly over: 'variants'; readonly rowId: string }
  | {
      readonly over: 'people';
      readonly source: PairSource['id'];
      readonly method: keyof typeof PAIR_METHODS;
    };

/** The curves of a report: every generator, and simple rivals beside it. */
export function curveRequests({
  methods,
  sources,
}: Pick<RecognizerContext, 'methods' | 'sources'>): CurveRequest[] {
  const main = sources[sources.length - 1]!;
  const shown = ['jitter', `mean-offset-${main.id}`, `ridge-${main.id}`];
  return [
    ...methods
      .filter(({ id, kind }) => kind === 'generator' || shown.includes(id))
      .map(({ id }) => ({ over: 'variants', rowId: id }) as const),
    { over: 'people', source: main.id, method: 'mean-offset' },
    ...sources.map(({ id }) => ({ over: 'people', source: id, method: 'ridge' }) as const),
  ];
}

export function measureCurve(context: RecognizerContext, request: CurveRequest): Promise<Curve> {
  if (request.over === 'variants') {
    return variantCurve(context, context.methods.find(({ id }) => id === request.rowId)!);
  }
  const source = context.sources.find(({ id }) => id === request.source)!;
  return peopleCurve(context, source, PAIR_METHODS[request.method]);
}

async function variantCurve(context: RecognizerContext, method: Method): Promise<Curve> {
  const points: Curve['points'] = [];
  for (const count of VARIANT_COUNTS) {
    points.push(await point(context, method, count, (trial) => targetPoses(trial, count)));
  }
  return { rowId: method.id, label: method.label, points };
}

/** `make`: a method that learns from pairs, made anew for the pairs of the first n people. */
async function peopleCurve(
  context: RecognizerContext,
  source: PairSource,
  make: (source: PairSource) => Method,
): Promise<Curve> {
  const { plan } = context;
  const most = Math.min(...firstSeed(plan).map((trial) => peopleOf(source.pairs(trial)).length));
  const { id, label } = make(source);
  const points: Curve['points'] = [];
  for (const count of [...PEOPLE_COUNTS.filter((fewer) => fewer < most), most]) {
    const method = make(limitPeople(source, count));
    points.push(await point(context, method, count, (trial) => targetPoses(trial, plan.variants)));
  }
  return { rowId: id, label: `${label}, ${source.id} pairs`, points };
}

async function point(
  { plan, draws }: RecognizerContext,
  method: Method,
  x: number,
  targetsOf: (trial: Trial) => readonly TargetPose[],
): Promise<Curve['points'][number]> {
  const hits = await measureNearestMean(method, { ...plan, trials: firstSeed(plan) }, targetsOf);
  return { x, ncm: interval(resample(meanOfHits(hits), draws))! };
}

function firstSeed({ trials }: RecognizerContext['plan']): Trial[] {
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
