/** What a sentence calls a rival. */
import type { EvaluationRow } from './result.ts';

/** `trainedOn` of methods that learn nothing. */
const UNTAUGHT: ReadonlySet<string> = new Set(['', 'nothing']);

/** Several rows may be called ridge map: what it learned from tells them apart. */
export function rivalName({ label, trainedOn }: Pick<EvaluationRow, 'label' | 'trainedOn'>): string {
  return UNTAUGHT.has(trainedOn) ? label : `${label} (${trainedOn})`;
}
