/**
 * How a row is drawn in every plot: a colour that colour-blind readers can tell apart (Okabe and Ito), a shape and a
 * dash, so that no line is known by its colour alone.
 */
import type { EvaluationRow, RecognizerResult } from '../result.ts';
import { type Html, html } from './html.ts';

export interface Mark {
  /** A class of the style sheet: `series-blue` … */
  readonly className: string;
  readonly shape: Shape;
  /** An SVG dash array; empty for a whole line. */
  readonly dash: string;
}

const SHAPES = ['circle', 'square', 'triangle', 'diamond', 'cross'] as const;
type Shape = (typeof SHAPES)[number];

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

/** The mark centred on (x, y), about 9 pixels wide. */
export function drawShape(mark: Mark, x: number, y: number, title = ''): Html {
  const label = title === '' ? undefined : html`<title>${title}</title>`;
  const cx = x.toFixed(1);
  const cy = y.toFixed(1);
  switch (mark.shape) {
    case 'circle':
      return html`<circle class="point ${mark.className}" cx="${cx}" cy="${cy}" r="4">${label}</circle>`;
    case 'square':
      return html`<rect class="point ${mark.className}" x="${(x - 3.6).toFixed(1)}" y="${(y - 3.6).toFixed(1)}" width="7.2" height="7.2">${label}</rect>`;
    case 'triangle':
      return polygon(mark, label, [
        [x, y - 4.8],
        [x + 4.6, y + 3.6],
        [x - 4.6, y + 3.6],
      ]);
    case 'diamond':
      return polygon(mark, label, [
        [x, y - 5],
        [x + 5, y],
        [x, y + 5],
        [x - 5, y],
      ]);
    case 'cross':
      return html`<path class="cross ${mark.className}" d="M${(x - 3.6).toFixed(1)} ${(y - 3.6).toFixed(1)}l7.2 7.2m0 -7.2l-7.2 7.2">${label}</path>`;
  }
}

function polygon(mark: Mark, label: Html | undefined, corners: readonly (readonly [number, number])[]): Html {
  const at = corners.map((corner) => corner.map((value) => value.toFixed(1)).join(',')).join(' ');
  return html`<polygon class="point ${mark.className}" points="${at}">${label}</polygon>`;
}

/** A piece of line with the mark on it, for a legend. */
export function drawSwatch(mark: Mark): Html {
  return html`<svg class="swatch" width="34" height="12" viewBox="0 0 34 12" aria-hidden="true"><line class="line ${mark.className}" stroke-dasharray="${mark.dash}" x1="1" y1="6" x2="33" y2="6"/>${drawShape(mark, 17, 6)}</svg>`;
}
