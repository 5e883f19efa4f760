/** Lines with intervals: accuracy against yaw, variants, people, false accepts. */

import { type Html, html } from '../../shared/page/html.ts';
import { fixedScale, linearScale, logScale, type Scale } from '../../shared/page/scale.ts';
import { drawShape, drawSwatch, type Mark } from '../../shared/page/shapes.ts';
import type { Interval } from '../result.ts';
import { percent, percentNumber, percentRange } from './format.ts';

export interface Line {
  readonly label: string;
  readonly mark: Mark;
  readonly points: readonly { readonly x: number; readonly y: Interval }[];
}

export interface LineChart {
  readonly title: string;
  /** What a reader should see in it, or how to read it; a sentence. */
  readonly caption: string;
  readonly yLabel: string;
  readonly xLabel: string;
  /** Places on the x axis, with what is written there (and below that). */
  readonly xTicks: readonly { readonly x: number; readonly label: string; readonly below?: string }[];
  readonly xKind: 'straight' | 'logarithmic' | 'places';
  readonly lines: readonly Line[];
}

const WIDTH = 420;
const HEIGHT = 290;
const LEFT = 46;
const RIGHT = 12;
const TOP = 14;
/** Points of different lines at one x stand this far apart, in pixels, so that their intervals can be seen. */
const DODGE = 5;

/** A figure; nothing when no line has a point. */
export function drawLineChart(chart: LineChart): Html | undefined {
  const lines = chart.lines.filter((line) => line.points.length > 0);
  if (lines.length === 0) return undefined;
  const hasBelow = chart.xTicks.some((tick) => tick.below !== undefined);
  const bottom = hasBelow ? 66 : 48;
  const x = xScale(chart);
  const y = linearScale(yRange(lines), [HEIGHT - bottom, TOP]);
  return html`<figure class="chart"><h3>${chart.title}</h3>
<ul class="legend">${lines.map((line) => html`<li>${drawSwatch(line.mark)}${line.label}</li>`)}</ul>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${chart.title}">
${axes(chart, x, y, bottom)}
${lines.map((line, i) => drawLine(line, x, y, (i - (lines.length - 1) / 2) * DODGE))}
</svg><figcaption>${chart.caption}</figcaption></figure>`;
}

function xScale({ xTicks, xKind }: LineChart): Scale {
  const places = xTicks.map(({ x }) => x);
  // Room for dodged points at both ends.
  const pixels = [LEFT + 22, WIDTH - RIGHT - 22] as const;
  return xKind === 'logarithmic' ? logScale(places, pixels) : fixedScale(places, pixels);
}

function yRange(lines: readonly Line[]): [number, number] {
  const lows = lines.flatMap((line) => line.points.map(({ y }) => y.low));
  const highs = lines.flatMap((line) => line.points.map(({ y }) => y.high));
  return [Math.max(0, Math.min(...lows)), Math.min(1, Math.max(...highs))];
}

function axes(chart: LineChart, x: Scale, y: Scale, bottom: number): Html {
  const floor = HEIGHT - bottom;
  const grid = y.ticks.map(
    (tick) =>
      html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y.at(tick).toFixed(1)}" y2="${y.at(tick).toFixed(1)}"/><text class="tick" x="${LEFT - 6}" y="${(y.at(tick) + 4).toFixed(1)}" text-anchor="end">${trimmed(tick)}</text>`,
  );
  const places = chart.xTicks.map((tick) => {
    const at = x.at(tick.x).toFixed(1);
    const below =
      tick.below === undefined
        ? undefined
        : html`<text class="tick faint" x="${at}" y="${floor + 35}" text-anchor="middle">${tick.below}</text>`;
    return html`<line class="axis" x1="${at}" x2="${at}" y1="${floor}" y2="${floor + 4}"/><text class="tick" x="${at}" y="${floor + 18}" text-anchor="middle">${tick.label}</text>${below}`;
  });
  return html`${grid}<line class="axis" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${floor}" y2="${floor}"/>${places}
<text class="axis-label" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 4}" text-anchor="middle">${chart.xLabel}</text>
<text class="axis-label" transform="translate(11 ${(TOP + floor) / 2}) rotate(-90)" text-anchor="middle">${chart.yLabel}</text>`;
}

/** Percent without needless decimals. */
function trimmed(share: number): string {
  return percentNumber(share).replace(/\.0$/, '');
}

function drawLine({ label, mark, points }: Line, x: Scale, y: Scale, dodge: number): Html {
  const placed = [...points]
    .sort((a, b) => a.x - b.x)
    .map((point) => ({ ...point, px: x.at(point.x) + dodge, py: y.at(point.y.value) }));
  const path = placed
    .map(({ px, py }, i) => `${i === 0 ? 'M' : 'L'}${px.toFixed(1)} ${py.toFixed(1)}`)
    .join('');
  const whiskers = placed.map(({ px, y: { low, high } }) => {
    const top = y.at(Math.min(high, y.high)).toFixed(1);
    const foot = y.at(Math.max(low, y.low)).toFixed(1);
    return html`<path class="whisker ${mark.className}" d="M${px.toFixed(1)} ${top}V${foot}"/>`;
  });
  const shapes = placed.map(({ px, py, y: interval }) =>
    drawShape(mark, px, py, `${label}: ${percent(interval.value)} ${percentRange(interval)}`),
  );
  return html`<g>${whiskers}<path class="line ${mark.className}" stroke-dasharray="${mark.dash}" d="${path}"/>${shapes}</g>`;
}
