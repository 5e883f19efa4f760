/**
 * How a row of data is drawn in a plot: a colour that colour-blind readers can tell apart (Okabe and Ito), a shape and
 * a dash, so that nothing is known by its colour alone.
 */
import { type Html, html } from './html.ts';

export interface Mark {
  /** A class of the palette: `series-blue` … */
  readonly className: string;
  readonly shape: Shape;
  /** An SVG dash array; empty for a whole line. */
  readonly dash: string;
}

const SHAPES = ['circle', 'square', 'triangle', 'diamond', 'cross'] as const;
type Shape = (typeof SHAPES)[number];

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
