/** Every measure of every row with its interval and its difference to none, a table for each task. */

import { type Html, html } from '../../shared/page/html.ts';
import { METRIC_NAMES, METRICS, type MetricName } from '../metrics.ts';
import type { EvaluationRow, RecognizerResult } from '../result.ts';
import { arrow } from './arrow.ts';
import { percentNumber, percentRange, points, pointsRange } from './format.ts';
import { rowNames } from './rowGroups.ts';

export function fullTables(recognizer: RecognizerResult): Html {
  const { rows } = recognizer;
  const measured = METRIC_NAMES.filter((name) => rows.some((row) => row.metrics[name] !== undefined));
  const tasks = [...new Set(measured.map((name) => METRICS[name].task))];
  return html`<details><summary>All measures, intervals and differences</summary>${tasks.map((task) =>
    taskTable(
      recognizer,
      task,
      measured.filter((name) => METRICS[name].task === task),
    ),
  )}</details>`;
}

function taskTable(recognizer: RecognizerResult, task: string, names: readonly MetricName[]): Html {
  const labels = rowNames(recognizer.rows);
  const power = recognizer.smallestDetectableGain;
  const heads = names.map((name) => {
    const gain = power[name];
    const detectable = gain === undefined ? undefined : html`<br>shows ${(100 * gain).toFixed(1)} or more`;
    return html`<th>${METRICS[name].label}, %<br>${METRICS[name].better} is better${detectable}</th>`;
  });
  return html`<h3>${task}</h3><div class="scroll"><table><thead><tr><th>Method</th>${heads}</tr></thead><tbody>${recognizer.rows.map(
    (row) =>
      html`<tr><td class="text">${labels.get(row.id)}</td>${names.map((name) => cell(row, name))}</tr>`,
  )}</tbody></table></div>`;
}

function cell(row: EvaluationRow, name: MetricName): Html {
  const value = row.metrics[name];
  if (value === undefined) return html`<td>–</td>`;
  const difference =
    value.difference === undefined
      ? undefined
      : html`<span class="range">${points(value.difference.value)} ${pointsRange(value.difference)}${arrow(value.difference, METRICS[name].better)}</span>`;
  return html`<td class="number">${percentNumber(value.value)} <small>${percentRange(value)}</small>${difference}</td>`;
}
