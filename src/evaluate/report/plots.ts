/** The four plots of a recogniser: accuracy against yaw, variants and training people; true against false accepts. */

import { type Html, html } from '../../shared/page/html.ts';
import type { Mark } from '../../shared/page/shapes.ts';
import type { Curve, EvaluationRow, RecognizerResult } from '../result.ts';
import { degreeRange } from './format.ts';
import { drawLineChart, type Line, type LineChart } from './lineChart.ts';
import { marksOf } from './marks.ts';
import { rowNames } from './rowGroups.ts';

/** More lines than this and nobody can read a plot. */
const MAX_LINES = 6;

const FAR_METRICS = [
  { x: 1e-4, name: 'tar4', label: '0.01 %' },
  { x: 1e-3, name: 'tar3', label: '0.1 %' },
  { x: 1e-2, name: 'tar2', label: '1 %' },
] as const;

export function plots(recognizer: RecognizerResult): Html {
  const marks = marksOf(recognizer);
  const charts = [
    yawChart(recognizer, marks),
    curveChart(recognizer, recognizer.curves.variants, marks, {
      title: 'Accuracy against the number of variants',
      caption: 'A method that helps rises from left to right and stays up.',
      xLabel: 'variants of each person',
    }),
    curveChart(recognizer, recognizer.curves.trainingPeople, marks, {
      title: 'Accuracy against people to learn from',
      caption: 'A line that still rises at the right end would gain from more people.',
      xLabel: 'people whose pairs the method learned from',
    }),
    verificationChart(recognizer, marks),
  ].map(drawLineChart);
  return html`<div class="charts">${charts.flatMap((chart) => chart ?? [])}</div>`;
}

/** The rows worth a line: reference, judged models, the best rival, the bound. */
function plottedRows(recognizer: RecognizerResult): EvaluationRow[] {
  const judged = new Set(recognizer.verdicts.map(({ rowId }) => rowId));
  const rivals = new Set(recognizer.verdicts.map(({ bestRivalId }) => bestRivalId));
  const weight = (row: EvaluationRow) =>
    [
      row.kind === 'none',
      judged.has(row.id),
      rivals.has(row.id),
      row.kind === 'oracle',
      row.kind === 'generator',
    ].indexOf(true);
  return recognizer.rows
    .filter((row) => weight(row) >= 0)
    .sort((a, b) => weight(a) - weight(b))
    .slice(0, MAX_LINES);
}

function yawChart(recognizer: RecognizerResult, marks: ReadonlyMap<string, Mark>): LineChart {
  const rows = plottedRows(recognizer);
  const names = rowNames(rows);
  const bins = new Map(
    rows.flatMap((row) => row.byYaw.map((bin) => [`${bin.from} ${bin.to}`, bin] as const)),
  );
  return {
    title: 'Accuracy against how far the face is turned',
    caption: 'Nearest class mean; lines are 95 % intervals over people. Under each angle: probes and people.',
    yLabel: 'NCM, %',
    xLabel: '|yaw| of the probe',
    xKind: 'places',
    xTicks: [...bins.values()].map((bin) => ({
      x: middle(bin),
      label: degreeRange(bin),
      below: `${bin.probes} / ${bin.subjects}`,
    })),
    lines: rows.map((row) => ({
      label: names.get(row.id)!,
      mark: markOf(marks, row.id),
      points: row.byYaw.map((bin) => ({ x: middle(bin), y: bin.ncm })),
    })),
  };
}

function middle(bin: { readonly from: number; readonly to: number }): number {
  return (bin.from + Math.min(bin.to, 90)) / 2;
}

function curveChart(
  { rows }: RecognizerResult,
  curves: readonly Curve[],
  marks: ReadonlyMap<string, Mark>,
  words: Pick<LineChart, 'title' | 'caption' | 'xLabel'>,
): LineChart {
  const lines: Line[] = curves.slice(0, MAX_LINES).map((curve) => ({
    label: curve.label,
    mark: markOf(marks, curve.rowId),
    points: curve.points.map((point) => ({ x: point.x, y: point.ncm })),
  }));
  const places = [...new Set(lines.flatMap((line) => line.points.map(({ x }) => x)))].sort((a, b) => a - b);
  // What happens without any variant is a level and not a curve.
  const none = rows.find((row) => row.kind === 'none');
  const level = none?.metrics.ncm;
  if (
    none !== undefined &&
    level !== undefined &&
    places.length > 0 &&
    !curves.some((one) => one.rowId === none.id)
  ) {
    const ends = [...new Set([places[0]!, places.at(-1)!])];
    lines.unshift({
      label: none.label,
      mark: markOf(marks, none.id),
      points: ends.map((x) => ({ x, y: level })),
    });
  }
  // Doubled numbers (5, 10, 20, 40) stand at equal steps; a 0 has no logarithm.
  const logarithmic = places.length > 2 && places[0]! > 0 && places.at(-1)! / places[0]! > 6;
  return {
    ...words,
    yLabel: 'NCM, %',
    xKind: logarithmic ? 'logarithmic' : 'straight',
    xTicks: places.map((x) => ({ x, label: String(x) })),
    lines,
  };
}

function verificationChart(recognizer: RecognizerResult, marks: ReadonlyMap<string, Mark>): LineChart {
  const rows = plottedRows(recognizer);
  const names = rowNames(rows);
  const measured = FAR_METRICS.filter(({ name }) => rows.some((row) => row.metrics[name] !== undefined));
  return {
    title: 'Verification: true accepts against false accepts',
    caption:
      'Share of genuine pairs accepted where so many impostor pairs are; as low as the impostor pairs allow.',
    yLabel: 'true accepts, %',
    xLabel: 'false accept rate',
    xKind: 'logarithmic',
    xTicks: measured.map(({ x, label }) => ({ x, label })),
    lines:
      measured.length < 2
        ? []
        : rows.map((row) => ({
            label: names.get(row.id)!,
            mark: markOf(marks, row.id),
            points: measured.flatMap(({ x, name }) => {
              const y = row.metrics[name];
              return y === undefined ? [] : [{ x, y }];
            }),
          })),
  };
}

function markOf(marks: ReadonlyMap<string, Mark>, rowId: string): Mark {
  return marks.get(rowId) ?? { className: 'series-yellow', shape: 'square', dash: '2 2' };
}
