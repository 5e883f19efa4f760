/** ▲ better than none, ▼ worse, · not told apart: by the interval of the paired difference. */

import { type Html, html } from '../../shared/page/html.ts';
import type { Interval } from '../result.ts';
import { points, pointsRange } from './format.ts';
import { side } from './verdict.ts';

export function arrow(difference: Interval | undefined, better: 'higher' | 'lower'): Html {
  if (difference === undefined) return html`<span class="same"> </span>`;
  const range = `${points(difference.value)} ${pointsRange(difference)}`;
  switch (side(difference) * (better === 'higher' ? 1 : -1)) {
    case 1:
      return html`<span class="up" title="better than none: ${range}">▲</span>`;
    case -1:
      return html`<span class="down" title="worse than none: ${range}">▼</span>`;
    default:
      return html`<span class="same" title="not told apart from none: ${range}">·</span>`;
  }
}
