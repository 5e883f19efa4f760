/** The table that decides: every method, its accuracy, and its difference to none with the interval to be seen. */

import { type Html, html } from '../../shared/page/html.ts';
import { METRICS, type MetricName } from '../metrics.ts';
import type { EvaluationRow, Measured, RecognizerResult } from '../result.ts';
import { arrow } from './arrow.ts';
import { drawForestAxis, drawForestRow, type ForestAxis, forestAxis } from './forest.ts';
import { percentNumber, percentRange } from './format.ts';
import { ablationGroups, comparedGroups, type RowGroup, rowsOfKind } from './rowGroups.ts';

/** Measures beside NCM in the main table; all others are in the full tables. */
const BESIDE: readonly MetricName[] = ['svmLinear', 'svmRbf', 'eer', 'tar2'];

export function mainTable(recognizer: RecognizerResult): Html {
  const rbf = recognizer.rows.some((row) => row.metrics.svmRbf !== undefined);
  const note = rbf
    ? html`<p class="small">▲ better than none, ▼ worse, · not told apart. An RBF SVM gains from any cloud of points: read its column beside the row jitter.</p>`
    : html`<p class="small">▲ better than none, ▼ worse, · not told apart.</p>`;
  return html`${forestTable(comparedGroups(recognizer), recognizer)}${note}`;
}

/** Ablations under the model that they are of; undefined without any. */
export function ablationTable(recognizer: RecognizerResult): Html | undefined {
  const groups = ablationGroups(recognizer);
  return groups.length === 0 ? undefined : forestTable(groups, recognizer);
}

/** Rows that are wrong on purpose; undefined without any. */
export function controlTable(recognizer: RecognizerResult): Html | undefined {
  const rows = rowsOfKind(recognizer.rows, 'control');
  return rows.length === 0
    ? undefined
    : html`<div class="wrong">${forestTable([{ title: 'Wrong on purpose', rows }], recognizer)}</div>`;
}

function forestTable(groups: readonly RowGroup[], recognizer: RecognizerResult): Html {
  const differences = groups.flatMap(({ rows }) => rows.flatMap((row) => row.metrics.ncm?.difference ?? []));
  const axis = forestAxis(differences, 1);
  const judged = new Set(recognizer.verdicts.map(({ rowId }) => rowId));
  const beside = BESIDE.filter((name) => recognizer.rows.some((row) => row.metrics[name] !== undefined));
  return html`<div class="scroll"><table class="stack"><thead><tr><th>Method</th><th>NCM, %</th>
<th class="forest-cell">NCM, difference to none in points, 95 % interval${drawForestAxis(axis)}</th>
${beside.map((name) => html`<th title="${METRICS[name].meaning}">${METRICS[name].label}, %</th>`)}</tr></thead>
<tbody>${groups.map(
    (group) =>
      html`<tr class="group"><th colspan="${3 + beside.length}">${group.title}</th></tr>${group.rows.map((row) => tableRow(row, axis, beside, judged.has(row.id)))}`,
  )}</tbody></table></div>`;
}

function tableRow(
  row: EvaluationRow,
  axis: ForestAxis,
  beside: readonly MetricName[],
  judged: boolean,
): Html {
  const { ncm } = row.metrics;
  const value =
    ncm === undefined
      ? html`–`
      : html`${percentNumber(ncm.value)}<span class="range">${percentRange(ncm)}</span>`;
  const learned = [row.trainedOn, row.note ?? ''].filter((text) => text !== '').join('. ');
  return html`<tr${judged ? html` class="judged"` : undefined}><td class="text">${row.label}<span class="learned">${learned}</span></td><td class="number">${value}</td><td class="forest-cell">${drawForestRow(axis, ncm?.difference)}</td>${beside.map((name) => besideCell(name, row.metrics[name]))}</tr>`;
}

function besideCell(name: MetricName, measured: Measured | undefined): Html {
  const label = METRICS[name].label;
  if (measured === undefined) return html`<td class="more" data-label="${label}">–</td>`;
  return html`<td class="more number" data-label="${label}">${percentNumber(measured.value)}${arrow(measured.difference, METRICS[name].better)}</td>`;
}
