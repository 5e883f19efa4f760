/**
 * The plots of the run page, as SVG: a title for screen readers, values as titles of their marks, colours of the
 * palette.
 */

import { type Html, html } from '../../shared/page/html.ts';
import { linearScale } from '../../shared/page/scale.ts';
import { binCentre, PITCH_BINS, POSE_BINS, YAW_BINS } from '../../shared/poseBins.ts';
import { count } from '../../shared/text/counted.ts';
import type { Throughput } from '../data/runSnapshot.ts';
import { degrees, duration, rate } from '../format.ts';

const WIDTH = 440;

/** Faces a second over the time of the run. */
export function throughputPlot({ from, to, facesPerSecond }: Throughput): Html {
  const [height, left, right, top, bottom] = [190, 46, 10, 12, 30];
  const most = Math.max(...facesPerSecond, 0.1);
  const y = linearScale([0, most], [height - bottom, top], 4);
  const x = (bin: number) => left + (bin / facesPerSecond.length) * (WIDTH - left - right);
  const floor = height - bottom;
  const steps = facesPerSecond.map(
    (value, bin) =>
      `${bin === 0 ? 'M' : 'L'}${x(bin).toFixed(1)} ${y.at(value).toFixed(1)}H${x(bin + 1).toFixed(1)}`,
  );
  const path = steps.join('');
  const seconds = (to - from) / 1000;
  const grid = y.ticks.map(
    (tick) =>
      html`<line class="grid" x1="${left}" x2="${WIDTH - right}" y1="${y.at(tick).toFixed(1)}" y2="${y.at(tick).toFixed(1)}"/><text class="tick" x="${left - 6}" y="${(y.at(tick) + 4).toFixed(1)}" text-anchor="end">${tick < 10 ? String(tick) : count(tick)}</text>`,
  );
  const places = [0, 0.5, 1].map((share) => {
    const at = left + share * (WIDTH - left - right);
    const anchor = share === 0 ? 'start' : share === 1 ? 'end' : 'middle';
    return html`<line class="axis" x1="${at.toFixed(1)}" x2="${at.toFixed(1)}" y1="${floor}" y2="${floor + 4}"/><text class="tick" x="${at.toFixed(1)}" y="${floor + 20}" text-anchor="${anchor}">${share === 0 ? 'start' : `+ ${duration(seconds * share)}`}</text>`;
  });
  const mean = facesPerSecond.reduce((sum, value) => sum + value, 0) / facesPerSecond.length;
  return html`<svg class="throughput" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Faces a second over ${duration(seconds)}: ${rate(mean)} on average, ${rate(most)} at most"><title>Faces a second: ${rate(mean)} on average, ${rate(most)} at most</title>
${grid}<path class="area" d="${path}L${(WIDTH - right).toFixed(1)} ${floor}L${left} ${floor}Z"/><path class="line" d="${path}"/><line class="axis" x1="${left}" x2="${WIDTH - right}" y1="${floor}" y2="${floor}"/>${places}</svg>`;
}

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Written behind the bar. */
  readonly text: string;
  readonly href?: string;
}

/** Characters of a bar's name. */
const MAX_LABEL = 25;

/** Of a character in a narrow window, where letters are 14 px high: the plot is drawn once for all windows. */
const CHARACTER = 8.5;

/** Horizontal bars, the longest over the whole width. */
export function barPlot(title: string, bars: readonly Bar[], className: string): Html {
  const row = 27;
  const longest = Math.max(...bars.map(({ label }) => Math.min(label.length, MAX_LABEL)));
  const left = Math.max(70, Math.ceil(CHARACTER * longest) + 14);
  // "12,345 · 12.3 %".
  const right = 118;
  const most = Math.max(...bars.map(({ value }) => value), 1e-9);
  const rows = bars.map(({ label, value, text, href }, i) => {
    const y = i * row;
    const width = Math.max(1.5, (value / most) * (WIDTH - left - right));
    const shown = label.length > MAX_LABEL ? `${label.slice(0, MAX_LABEL - 1)}…` : label;
    const name = html`<text x="${left - 8}" y="${y + 17}" text-anchor="end">${shown}<title>${label}</title></text>`;
    return html`<g>${href === undefined ? name : html`<a href="${href}">${name}</a>`}<rect class="${className}" x="${left}" y="${y + 5}" width="${width.toFixed(1)}" height="${row - 10}" rx="2"><title>${label}: ${text}</title></rect><text class="faint" x="${(left + width + 7).toFixed(1)}" y="${y + 17}">${text}</text></g>`;
  });
  return html`<svg viewBox="0 0 ${WIDTH} ${bars.length * row}" role="${bars.some(({ href }) => href) ? 'group' : 'img'}" aria-label="${title}: ${bars.map(({ label, text }) => `${label} ${text}`).join(', ')}">${rows}</svg>`;
}

export interface PoseGrid {
  readonly title: string;
  /** POSE_BINS shares, 0–1, for the depth of the colour. */
  readonly shares: readonly number[];
  /** What stands in a cell, a line or two; empty for none. */
  readonly labels: readonly string[];
  /** Spoken and shown at a cell. */
  readonly describe: (bin: number) => string;
  /** Class of each cell's colour. */
  readonly className: (bin: number) => string;
}

/** Yaw to the right, pitch upwards, a cell a bin. */
export function poseGrid({ title, shares, labels, describe, className }: PoseGrid): Html {
  const [left, top, cellHeight] = [42, 4, 46];
  const cellWidth = (WIDTH - left - 4) / YAW_BINS;
  const rowTop = (bin: number) => top + (PITCH_BINS - 1 - Math.floor(bin / YAW_BINS)) * cellHeight;
  const cells = Array.from({ length: POSE_BINS }, (_, bin) => {
    const x = left + (bin % YAW_BINS) * cellWidth;
    const share = shares[bin] ?? 0;
    const { yaw, pitch } = binCentre(bin);
    // Never so pale that a filled cell looks like an empty one.
    const depth = share <= 0 ? 0 : 0.14 + 0.86 * share;
    const middle = (x + cellWidth / 2).toFixed(1);
    const lines = (labels[bin] ?? '').split('\n');
    const label = lines.map(
      (line, i) =>
        html`<tspan x="${middle}" y="${rowTop(bin) + cellHeight / 2 + 4 + (i - (lines.length - 1) / 2) * 14}">${line}</tspan>`,
    );
    return html`<g><rect class="grid-cell fill-rest" x="${x.toFixed(1)}" y="${rowTop(bin)}" width="${cellWidth.toFixed(1)}" height="${cellHeight}" rx="4"/>${depth > 0 ? html`<rect class="grid-cell ${className(bin)}" fill-opacity="${depth.toFixed(2)}" x="${x.toFixed(1)}" y="${rowTop(bin)}" width="${cellWidth.toFixed(1)}" height="${cellHeight}" rx="4"/>` : undefined}<text class="cell-label${depth > 0.8 ? ' on-dark' : depth > 0.5 ? ' mid' : ''}">${label}</text><title>yaw ${degrees(yaw)}, pitch ${degrees(pitch)}: ${describe(bin)}</title></g>`;
  });
  const yaws = Array.from({ length: YAW_BINS }, (_, i) =>
    i % 2 === 0
      ? html`<text class="tick" x="${(left + (i + 0.5) * cellWidth).toFixed(1)}" y="${top + PITCH_BINS * cellHeight + 16}" text-anchor="middle">${degrees(binCentre(i).yaw)}</text>`
      : html``,
  );
  const pitches = Array.from(
    { length: PITCH_BINS },
    (_, row) =>
      html`<text class="tick" x="${left - 6}" y="${rowTop(row * YAW_BINS) + cellHeight / 2 + 4}" text-anchor="end">${degrees(binCentre(row * YAW_BINS).pitch)}</text>`,
  );
  return html`<svg viewBox="0 0 ${WIDTH} ${top + PITCH_BINS * cellHeight + 24}" role="img" aria-label="${title}"><title>${title}</title>${cells}${yaws}${pitches}</svg>`;
}
