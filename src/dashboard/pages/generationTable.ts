/** What was added to a run after it was planned. */

import { type Html, html } from '../../shared/page/html.ts';
import { count, counted } from '../../shared/text/counted.ts';
import type { RunSnapshot } from '../data/runSnapshot.ts';
import { date } from '../format.ts';

const SHOWN_GENERATIONS = 12;

/** Photographs were added, or shards done again. */
export function manyTimes({ generations }: RunSnapshot): boolean {
  return generations.length > 1;
}

/** The newest first. */
export function generationTable(snapshot: RunSnapshot): Html {
  if (!manyTimes(snapshot)) return html``;
  const shown = snapshot.generations.slice(-SHOWN_GENERATIONS).reverse();
  const rows = shown.map((one) => {
    const day = html`<td class="number" data-label="date">${date(one.createdAt)}</td>`;
    const number = html`<td class="text">${one.generation}</td>`;
    if (one.kind === 'retry') {
      return html`<tr data-generation="${one.generation}">${number}<td class="text" data-label="what">done again</td>${day}<td class="dim">–</td><td class="dim">–</td><td data-label="shards">${count(one.shards)}</td><td class="dim">–</td></tr>`;
    }
    return html`<tr data-generation="${one.generation}">${number}<td class="text" data-label="what">${one.kind === 'planned' ? 'as planned' : 'photographs added'}</td>${day}<td data-label="faces">${count(one.faces)}</td><td data-label="new people">${count(one.newPeople)}</td><td data-label="shards">${count(one.shards)}</td><td data-label="committed">${count(one.shardsDone)}</td></tr>`;
  });
  const more = snapshot.generations.length - shown.length;
  return html`<h2>Generations <small>${count(snapshot.generations.length)}</small></h2>
<div class="scroll"><table class="rows"><thead><tr><th class="text">number</th><th class="text">what</th><th>date</th><th>faces</th><th>new people</th><th>shards</th><th>committed</th></tr></thead><tbody>${rows}</tbody></table></div>${more > 0 ? html`<p class="empty">${counted(more, 'earlier one', 'earlier ones')}.</p>` : undefined}`;
}
