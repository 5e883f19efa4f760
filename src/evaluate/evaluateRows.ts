/**
 * The table of one recogniser: every method through every trial, with intervals and paired differences. Pure but for
 * the generators that a method calls.
 */
import { difference, drawPeople, interval, type Resampled, resample, standardError } from './bootstrap.ts';
import { variantRequests } from './gallery.ts';
import { measureRow, personPositions, type RowPlan, svmSettingsOf } from './measureRow.ts';
import type { Method } from './method.ts';
import { meanOfHits, type RowOutcomes, rowStatistics } from './outcomes.ts';
import type { FaceClass } from './people.ts';
import {
  type Cost,
  type EvaluationRow,
  type Interval,
  METRIC_NAMES,
  type MetricName,
  type RecognizerResult,
} from './result.ts';
import { type EvaluationHooks, type EvaluationSettings, RESAMPLES } from './settings.ts';
import { planTrials, type Trial, targetPoses } from './trials.ts';

/** |yaw| in degrees where bins of the accuracy begin. */
export const YAW_BINS = [0, 15, 30, 45, 60, 75] as const;
/** End of the last bin. */
const LAST_YAW = 180;

export interface RowsInput {
  readonly classes: readonly FaceClass[];
  readonly methods: readonly Method[];
  readonly settings: EvaluationSettings;
  readonly hooks: EvaluationHooks;
}

/** A row with the draws that verdicts and differences between other rows need. */
export interface MeasuredRow {
  readonly row: EvaluationRow;
  readonly method: Method;
  readonly metrics: ReadonlyMap<MetricName, Resampled>;
}

export interface MeasuredRows {
  readonly rows: readonly MeasuredRow[];
  readonly plan: RowPlan;
  readonly draws: readonly Float64Array[];
  readonly smallestDetectableGain: RecognizerResult['smallestDetectableGain'];
  /** Genuine and impostor pairs of one seed's verification against templates. */
  readonly pairs: { readonly genuine: number; readonly impostor: number };
}

/** The first method must be the row `none`; the oracle at the probes' angles has the id `oracle`. */
export async function measureRows(input: RowsInput): Promise<MeasuredRows> {
  const { classes, methods, settings, hooks } = input;
  const people = classes.filter(({ role }) => role === 'evaluated').length;
  const plan: RowPlan = {
    trials: planTrials(classes, settings),
    seeds: settings.seeds,
    variants: settings.variants,
    tasks: settings.tasks,
    personOf: personPositions(classes),
    svmSettings: svmSettingsOf(settings.variants),
    signal: hooks.signal,
  };
  const draws = drawPeople(people, RESAMPLES, settings.seed);
  const measured: {
    method: Method;
    outcomes: RowOutcomes;
    metrics: Map<MetricName, Resampled>;
    cost: Cost | null;
  }[] = [];
  let pairs = { genuine: 0, impostor: 0 };
  for (const [i, method] of methods.entries()) {
    const outcomes = await measureRow(method, plan);
    const statistics = rowStatistics(outcomes);
    const metrics = new Map<MetricName, Resampled>();
    for (const name of METRIC_NAMES) {
      const statistic = statistics.get(name);
      if (statistic !== undefined) metrics.set(name, resample(statistic, draws));
    }
    const [templates] = outcomes.templates;
    if (i === 0 && templates !== undefined) {
      const genuine = templates.filter((pair) => pair.genuine).length;
      pairs = { genuine, impostor: templates.length - genuine };
    }
    // What the bootstrap has summed up is not needed any more, and large.
    outcomes.templates.length = 0;
    outcomes.frontalProfile.length = 0;
    measured.push({ method, outcomes, metrics, cost: await measureCost(method, plan.trials[0]!, settings) });
    hooks.progress(i + 1, methods.length, method.label);
  }
  const none = measured[0]!;
  const oracle = measured.find(({ method }) => method.id === 'oracle');
  const rows = measured.map(({ method, outcomes, metrics, cost }): MeasuredRow => {
    const { id, label, kind, trainedOn, of, note } = method;
    const isNone = method === none.method;
    return {
      method,
      metrics,
      row: {
        id,
        label,
        kind,
        trainedOn,
        ...(of !== undefined && { of }),
        metrics: Object.fromEntries(
          [...metrics].flatMap(([name, values]) => {
            const own = interval(values);
            const paired = isNone ? undefined : interval(difference(values, none.metrics.get(name)!));
            return own === undefined ? [] : [[name, { ...own, ...(paired && { difference: paired }) }]];
          }),
        ),
        byYaw: accuracyByYaw(outcomes, isNone ? undefined : none.outcomes, draws, settings.seeds),
        oracleGapClosed: oracle === undefined ? null : gapClosed(metrics, none.metrics, oracle.metrics),
        cost,
        ...(note !== undefined && { note }),
      },
    };
  });
  return { rows, plan, draws, pairs, smallestDetectableGain: detectableGain(rows) };
}

/** NCM by |yaw| of the probe. */
function accuracyByYaw(
  outcomes: RowOutcomes,
  none: RowOutcomes | undefined,
  draws: readonly Float64Array[],
  seeds: number,
): EvaluationRow['byYaw'] {
  const hitsOf = (row: RowOutcomes, bin: number) =>
    (row.hits.get('ncm') ?? []).filter(({ yaw }) => yawBin(yaw) === bin);
  return YAW_BINS.flatMap((from, bin) => {
    const hits = hitsOf(outcomes, bin);
    if (hits.length === 0) return [];
    const own = resample(meanOfHits(hits), draws);
    const ownInterval = interval(own);
    if (ownInterval === undefined) return [];
    const paired = none && interval(difference(own, resample(meanOfHits(hitsOf(none, bin)), draws)));
    return [
      {
        from,
        to: YAW_BINS[bin + 1] ?? LAST_YAW,
        // Seeds test the same probes again.
        probes: Math.round(hits.length / seeds),
        subjects: new Set(hits.map(({ person }) => person)).size,
        ncm: { ...ownInterval, ...(paired && { difference: paired }) },
      },
    ];
  });
}

function yawBin(yaw: number): number {
  const turn = Math.abs(yaw);
  return YAW_BINS.findLastIndex((from) => turn >= from);
}

/** (row − none) / (oracle − none) of NCM; null when the oracle is no better. */
function gapClosed(
  row: ReadonlyMap<MetricName, Resampled>,
  none: ReadonlyMap<MetricName, Resampled>,
  oracle: ReadonlyMap<MetricName, Resampled>,
): Interval | null {
  const [own, least, most] = [row.get('ncm')!, none.get('ncm')!, oracle.get('ncm')!];
  if (most.value <= least.value) return null;
  const share = (a: number, b: number, c: number) => (c > b ? (a - b) / (c - b) : Number.NaN);
  return (
    interval({
      value: share(own.value, least.value, most.value),
      draws: own.draws.map((value, i) => share(value, least.draws[i]!, most.draws[i]!)),
    }) ?? null
  );
}

/** Standard errors that a true gain must measure to be found in four of five evaluations (two-sided, 5 %). */
const DETECTABLE = 2.8;

/** From the median standard error of the paired differences of generators and rivals. */
function detectableGain(rows: readonly MeasuredRow[]): RecognizerResult['smallestDetectableGain'] {
  const none = rows[0]!;
  const compared = rows.filter(({ row }) => row.kind === 'generator' || row.kind === 'rival');
  return Object.fromEntries(
    METRIC_NAMES.flatMap((name) => {
      const base = none.metrics.get(name);
      const errors = compared
        .flatMap(({ metrics }) => {
          const values = metrics.get(name);
          return values === undefined || base === undefined ? [] : [standardError(difference(values, base))];
        })
        .filter((error) => error > 0)
        .sort((a, b) => a - b);
      return errors.length === 0 ? [] : [[name, DETECTABLE * errors[errors.length >> 1]!]];
    }),
  );
}

/** Requests that a method's speed is measured on. */
const TIMED_REQUESTS = 200;

/** Size as the method states it; speed of generating alone, learning not counted. */
async function measureCost(method: Method, trial: Trial, settings: EvaluationSettings): Promise<Cost | null> {
  if (method.kind === 'none' || method.kind === 'oracle') return null;
  const prepared = await method.prepare(trial);
  const targets = targetPoses(trial, settings.variants);
  const requests = variantRequests(trial.classes, targets).slice(0, TIMED_REQUESTS);
  const started = performance.now();
  const made = (await prepared.generate(requests)).filter((embedding) => embedding !== undefined);
  const seconds = (performance.now() - started) / 1000;
  const parameters = prepared.size?.parameters ?? null;
  return {
    parameters,
    multiplyAdds: prepared.size?.multiplyAdds ?? null,
    perSecond: made.length === 0 ? null : made.length / seconds,
    weightBytes: parameters === null ? null : 4 * parameters,
  };
}
