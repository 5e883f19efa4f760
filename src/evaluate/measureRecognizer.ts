/** All rows and curves of one recogniser: which there are, and their measuring in the threads. */
import type { Releasers } from '../shared/async/releasers.ts';
import { type CurveRequest, curveRequests } from './curves.ts';
import { compareRows, type MeasuredRow } from './evaluateRows.ts';
import type { RowMeasurement } from './measureMethod.ts';
import { openContext, type RecognizerContext, type RecognizerJob } from './recognizerJob.ts';
import type { RecognizerResult } from './result.ts';
import type { RowsPool } from './rowsPool.ts';
import type { EvaluationHooks, EvaluationSettings } from './settings.ts';

export interface MeasuredRecognizer {
  readonly rows: readonly MeasuredRow[];
  readonly curves: RecognizerResult['curves'];
  readonly pairs: RowMeasurement['pairs'];
}

/** What is to be measured of a recogniser. */
export interface RowsPlan {
  /** The threads have their own. */
  readonly context: RecognizerContext;
  readonly curves: readonly CurveRequest[];
}

export async function planRows(
  job: RecognizerJob,
  settings: EvaluationSettings,
  releasers: Releasers,
): Promise<RowsPlan> {
  const context = await openContext(job, settings, releasers);
  return { context, curves: curveRequests(context) };
}

/** Rows and curves, as many at a time as there are threads. */
export async function measureRecognizer(
  name: string,
  { context, curves }: RowsPlan,
  pool: RowsPool,
  settings: EvaluationSettings,
  hooks: EvaluationHooks,
): Promise<MeasuredRecognizer> {
  hooks.stage(name);
  const total = context.methods.length + curves.length;
  let done = 0;
  const counted = async <T>(working: Promise<T>, note: string): Promise<T> => {
    const value = await working;
    hooks.signal.throwIfAborted();
    hooks.progress(++done, total, note);
    return value;
  };
  const [measured, drawn] = await Promise.all([
    Promise.all(context.methods.map(({ label }, row) => counted(pool.row(name, row), label))),
    Promise.all(curves.map((curve) => counted(pool.curve(name, curve), 'curves'))),
  ]);
  return {
    rows: compareRows(measured, context.draws, settings.seeds),
    pairs: measured[0]!.pairs,
    curves: {
      variants: drawn.filter((_, i) => curves[i]!.over === 'variants'),
      trainingPeople: drawn.filter((_, i) => curves[i]!.over === 'people'),
    },
  };
}
