/** Differences with their intervals on one common axis, a row each: to the right of the line of zero is better. */

import { type Html, html } from '../../shared/page/html.ts';
import { linearScale, type Scale } from '../../shared/page/scale.ts';
import type { Interval } from '../result.ts';
import { points, pointsRange } from './format.ts';

const WIDTH = 350;
const HEIGHT = 30;
const MARGIN = 14;
/** Room for the numbers to the right of every interval. */
const TEXT = 122;

export interface ForestAxis {
  readonly scale: Scale;
  /** +1 where a higher value is better, −1 where a lower one is. */
  readonly better: 1 | -1;
}

/** The axis that holds all intervals and zero. */
export function forestAxis(intervals: readonly Interval[], better: 1 | -1): ForestAxis {
  const low = Math.min(0, ...intervals.map((interval) => interval.low));
  const high = Math.max(0, ...intervals.map((interval) => interval.high));
  return { scale: linearScale([low, high], [MARGIN, WIDTH - TEXT], 4), better };
}

/** Ticks in points, for the head of the column. */
export function drawForestAxis({ scale }: ForestAxis): Html {
  const ticks = scale.ticks.map((tick) => {
    const label = points(tick).replace(/\.0$/, '');
    return html`<text class="tick" x="${scale.at(tick).toFixed(1)}" y="12" text-anchor="middle">${label}</text>`;
  });
  return html`<svg class="forest" viewBox="0 0 ${WIDTH} 16" aria-hidden="true">${ticks}</svg>`;
}

/** One row: the interval as a bar, the value as a dot, filled where the interval does not touch zero; the numbers. */
export function drawForestRow({ scale, better }: ForestAxis, interval: Interval | undefined): Html {
  const grid = scale.ticks.map((tick) => {
    const x = scale.at(tick).toFixed(1);
    return html`<line class="${tick === 0 ? 'zero' : 'grid'}" x1="${x}" x2="${x}" y1="0" y2="${HEIGHT}"/>`;
  });
  if (interval === undefined) {
    return html`<svg class="forest" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true">${grid}</svg>`;
  }
  const good = better * interval.low > 0 && better * interval.high > 0;
  const bad = better * interval.low < 0 && better * interval.high < 0;
  const kind = good ? 'good' : bad ? 'bad' : 'undecided';
  const middle = HEIGHT / 2;
  const from = scale.at(interval.low).toFixed(1);
  const to = scale.at(interval.high).toFixed(1);
  // Numbers do not stand on the line of zero.
  const behind = Math.max(scale.at(interval.high), interval.high < 0 ? scale.at(0) : 0) + 8;
  const label = `${points(interval.value)} ${pointsRange(interval)}`;
  return html`<svg class="forest" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}"><title>${label}</title>${grid}<path class="interval ${kind}" d="M${from} ${middle}H${to}M${from} ${middle - 4}v8M${to} ${middle - 4}v8"/><circle class="estimate ${kind}" cx="${scale.at(interval.value).toFixed(1)}" cy="${middle}" r="4.5"/><text class="numbers" x="${behind.toFixed(1)}" y="${middle + 4}">${label}</text></svg>`;
}
