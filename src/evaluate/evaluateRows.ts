/** The table of one recogniser: measured rows beside each other, with intervals and paired differences. Pure. */
import { difference, interval, type Resampled, resample, standardError } from './bootstrap.ts';
import type { RowMeasurement } from './measureMethod.ts';
import type { Method } from './method.ts';
import { METRIC_NAMES, type MetricName } from './metrics.ts';
import { type Hit, meanOfHits } from './outcomes.ts';
import type { EvaluationRow, Interval, RecognizerResult } from './result.ts';

/** |yaw| in degrees where bins of the accuracy begin. */
const YAW_BINS = [0, 15, 30, 45, 60, 75] as const;
/** A bin of fewer people is not compared with none: resamples of one person all say the same, however wrong. */
const FEWEST_PEOPLE = 5;
/** End of the last bin. */
const LAST_YAW = 180;

/** A row with the draws that verdicts and differences between other rows need. */
export interface MeasuredRow extends Pick<Method, 'space' | 'ablation'> {
  readonly row: EvaluationRow;
  readonly metrics: ReadonlyMap<MetricName, Resampled>;
}

/** The first measurement must be of the row `none`; the oracle at the probes' angles has the id `oracle`. */
export function compareRows(
  measured: readonly RowMeasurement[],
  draws: readonly Float64Array[],
  seeds: number,
): MeasuredRow[] {
  const none = measured[0]!;
  const oracle = measured.find(({ method }) => method.id === 'oracle');
  return measured.map((measurement): MeasuredRow => {
    const { method, metrics, cost } = measurement;
    const { id, label, kind, trainedOn, of, note, space, ablation } = method;
    const isNone = measurement === none;
    return {
      metrics,
      ...(space !== undefined && { space }),
      ...(ablation !== undefined && { ablation }),
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
        byYaw: accuracyByYaw(measurement.ncmHits, isNone ? undefined : none.ncmHits, draws, seeds),
        oracleGapClosed: oracle === undefined ? null : gapClosed(metrics, none.metrics, oracle.metrics),
        cost,
        ...(note !== undefined && { note }),
      },
    };
  });
}

/** NCM by |yaw| of the probe. */
function accuracyByYaw(
  ncmHits: readonly Hit[],
  noneHits: readonly Hit[] | undefined,
  draws: readonly Float64Array[],
  seeds: number,
): EvaluationRow['byYaw'] {
  const inBin = (hits: readonly Hit[], bin: number) => hits.filter(({ yaw }) => yawBin(yaw) === bin);
  return YAW_BINS.flatMap((from, bin) => {
    const hits = inBin(ncmHits, bin);
    if (hits.length === 0) return [];
    const own = resample(meanOfHits(hits), draws);
    const ownInterval = interval(own);
    if (ownInterval === undefined) return [];
    const subjects = new Set(hits.map(({ person }) => person)).size;
    const paired =
      noneHits &&
      subjects >= FEWEST_PEOPLE &&
      interval(difference(own, resample(meanOfHits(inBin(noneHits, bin)), draws)));
    return [
      {
        from,
        to: YAW_BINS[bin + 1] ?? LAST_YAW,
        // Seeds test the same probes again.
        probes: Math.round(hits.length / seeds),
        subjects,
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
export function detectableGain(rows: readonly MeasuredRow[]): RecognizerResult['smallestDetectableGain'] {
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
