/** Which row has which mark: the same in every plot of a recogniser. */
import type { Mark } from '../../shared/page/shapes.ts';
import type { EvaluationRow, RecognizerResult } from '../result.ts';

/** The reference and the bound have marks of their own; the others take these in turn. */
const TURNS: readonly Mark[] = [
  { className: 'series-orange', shape: 'square', dash: '6 3' },
  { className: 'series-purple', shape: 'triangle', dash: '' },
  { className: 'series-sky', shape: 'diamond', dash: '8 3 2 3' },
  { className: 'series-red', shape: 'cross', dash: '4 3' },
  { className: 'series-yellow', shape: 'square', dash: '2 2' },
];

/** There may be two oracles. */
const BOUNDS: readonly Mark[] = [
  { className: 'series-green', shape: 'diamond', dash: '1 3' },
  { className: 'series-green', shape: 'cross', dash: '7 3' },
];

/** A mark for every row of a recogniser, the same in all its plots. */
export function marksOf(recognizer: RecognizerResult): ReadonlyMap<string, Mark> {
  const judged = recognizer.verdicts[0]?.rowId ?? undefined;
  const marks = new Map<string, Mark>();
  let [turn, bounds] = [0, 0];
  const next = () => TURNS[turn++ % TURNS.length]!;
  const bestRival = recognizer.verdicts[0]?.bestRivalId;
  const first = recognizer.rows.filter((row) => row.id === bestRival);
  for (const row of [...first, ...recognizer.rows]) {
    if (marks.has(row.id)) continue;
    const bound = row.kind === 'oracle' ? BOUNDS[bounds++ % BOUNDS.length] : undefined;
    marks.set(row.id, bound ?? fixedMark(row, judged) ?? next());
  }
  return marks;
}

function fixedMark(row: EvaluationRow, judged: string | undefined): Mark | undefined {
  if (row.kind === 'none') return { className: 'series-grey', shape: 'circle', dash: '3 3' };

  if (row.id === judged) return { className: 'series-blue', shape: 'circle', dash: '' };
  return undefined;
}
