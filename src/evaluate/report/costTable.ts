/** What each part costs beside the recogniser that it saves running. */

import { type Html, html } from '../../shared/page/html.ts';
import type { Cost, RecognizerResult } from '../result.ts';
import { amount } from './format.ts';
import { comparedGroups, rowNames } from './rowGroups.ts';

/** Undefined when no row has a cost. */
export function costTable(recognizer: RecognizerResult): Html | undefined {
  const names = rowNames(recognizer.rows);
  const rows = comparedGroups(recognizer)
    .flatMap((group) => group.rows)
    .flatMap((row) =>
      row.cost === null || Object.values(row.cost).every((value) => value === null)
        ? []
        : [{ label: names.get(row.id), cost: row.cost }],
    );
  if (rows.length === 0) return undefined;
  return html`<div class="scroll"><table><thead><tr><th>Part</th><th>parameters</th><th>weights</th><th>multiply-adds<br>a variant</th><th>of the recogniser's</th><th>a second,<br>one thread</th></tr></thead><tbody>
<tr><td class="text">${recognizer.name} (recogniser, a face)</td>${costCells(recognizer.cost)}<td>1</td><td>${amount(recognizer.cost.perSecond)}</td></tr>
${(recognizer.parts ?? []).map(({ name, cost }) => html`<tr><td class="text">${name}, a face</td>${costCells(cost)}<td>${ratio(cost, recognizer.cost)}</td><td>${amount(cost.perSecond)}</td></tr>`)}
${rows.map(({ label, cost }) => html`<tr><td class="text">${label}</td>${costCells(cost)}<td>${ratio(cost, recognizer.cost)}</td><td>${amount(cost.perSecond)}</td></tr>`)}
</tbody></table></div>`;
}

function costCells(cost: Cost): Html {
  return html`<td class="number">${amount(cost.parameters)}</td><td class="number">${amount(cost.weightBytes, 'B')}</td><td class="number">${amount(cost.multiplyAdds)}</td>`;
}

/** `1/250`, `1.4`. */
function ratio(cost: Cost, whole: Cost): string {
  if (cost.multiplyAdds === null || whole.multiplyAdds === null || whole.multiplyAdds === 0) return '–';
  if (cost.multiplyAdds === 0) return '0';
  const share = cost.multiplyAdds / whole.multiplyAdds;
  return share < 0.5 ? `1/${Math.round(1 / share)}` : share.toFixed(1);
}
