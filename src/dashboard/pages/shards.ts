/** The shards of a run: a map of all of them, and a table, sorted and a page at a time. */

import { type Html, html } from '../../shared/page/html.ts';
import { count } from '../../shared/text/counted.ts';
import { printable } from '../../shared/text/printable.ts';
import type { RunWatch } from '../data/runWatch.ts';
import {
  SHARD_STATES,
  SHARDS_A_PAGE,
  type ShardPage,
  type ShardQuery,
  type ShardSource,
  type ShardState,
  shardSource,
  stateOfShard,
} from '../data/shardTable.ts';
import { shownStages } from '../data/stages.ts';
import { ago, duration } from '../format.ts';
import { pager, runPath } from './layout.ts';

/** Cells of the map at most. */
const CELLS = 400;
const CELLS_A_ROW = 50;

const MARKS: Readonly<Record<ShardState, Html>> = {
  committed: html`<span class="mark ok">✓</span>`,
  'in work': html`<span class="mark">▸</span>`,
  failed: html`<span class="mark wrong">✕</span>`,
  waiting: html`<span class="mark dim">·</span>`,
};

export function shardsBody(watch: RunWatch, query: ShardQuery, page: ShardPage, version: string): Html {
  const { run, log, snapshot, shards } = watch;
  const href = (change: Partial<ShardQuery>): string => {
    const to = { ...query, page: 0, ...change };
    const search = new URLSearchParams();
    if (to.sort !== 'shard') search.set('sort', to.sort);
    if (to.descending) search.set('order', 'descending');
    if (to.state !== undefined) search.set('state', to.state);
    if (to.page > 0) search.set('page', String(to.page + 1));
    const text = search.toString();
    return `${runPath(run.runId, 'shards')}${text === '' ? '' : `?${text}`}`;
  };
  const inWork = new Map(
    snapshot.redis.status === 'answers'
      ? snapshot.redis.queue.inWork.map((one) => [one.shard, one.since])
      : [],
  );
  const notes = new Map(snapshot.failed.notes.map((note) => [note.shard, note]));
  const head = (sort: ShardQuery['sort'], text: string, className?: string): Html => {
    const current = query.sort === sort;
    const descending = current ? !query.descending : sort !== 'shard';
    return html`<th${className === undefined ? undefined : html` class="${className}"`}${current ? html` aria-sort="${query.descending ? 'descending' : 'ascending'}"` : undefined}><a href="${href({ sort, descending })}">${text}${current ? (query.descending ? ' ↓' : ' ↑') : ''}</a></th>`;
  };
  const stages = shownStages(log.stages);
  const rows = page.shards.map(({ shard, state }) => {
    const row = log.row(shard);
    const since = inWork.get(shard);
    const note = notes.get(shard);
    const place = shards.placeOf(shard);
    const name = html`${MARKS[state]}${count(shard)}${place !== undefined && place !== shard ? html` <span class="dim">for ${count(place)}</span>` : undefined}`;
    if (row === undefined) {
      const said =
        state === 'in work'
          ? html`in work${since === undefined ? undefined : html` for ${ago(since, snapshot.at)}`}`
          : note !== undefined
            ? html`${printable(note.code)}: ${printable(note.message)}`
            : html`${state}`;
      return html`<tr data-shard="${shard}"><td class="text number">${name}</td><td class="text dim" colspan="${5 + stages.length + 1}">${said}</td></tr>`;
    }
    return html`<tr data-shard="${shard}"><td class="text number">${name}</td><td>${count(row.faces)}</td><td>${count(row.rejected)}</td><td>${count(row.variants)}</td><td class="number">${seconds(row.totalMs)}</td><td class="number">${ago(row.finishedAt, snapshot.at)} ago</td><td class="text number">${printable(row.worker.host)} <span class="dim">${row.worker.pid}</span></td>${stages.map((stage) => html`<td class="number dim">${seconds(row.stagesMs[stage] ?? 0)}</td>`)}</tr>`;
  });
  const filter = (state: ShardState | undefined, text: string, number: number): Html =>
    html`<a href="${href({ state })}"${query.state === state ? html` aria-current="true"` : undefined}>${text} ${count(number)}</a>`;
  return html`<div id="map">${shardMap(shardSource(watch))}</div>
<div id="table" data-live-table="${version}">
<p class="filters">${filter(undefined, 'all', shards.places)}${SHARD_STATES.map((state) => filter(state, state, page.counts[state]))}</p>
<div class="scroll sticky"><table><thead><tr><td colspan="7"></td>${stages.length > 0 ? html`<th class="over" colspan="${stages.length}" scope="colgroup">time by stage</th>` : undefined}</tr><tr>${head('shard', 'shard', 'text')}${head('faces', 'faces')}${head('rejected', 'rejects')}${head('variants', 'variants')}${head('totalMs', 'time')}${head('finishedAt', 'committed')}<th class="text">worker</th>${stages.map((stage) => head(`stage:${stage}`, printable(stage)))}</tr></thead><tbody>${rows}</tbody></table></div>
${page.found === 0 ? html`<p class="empty">No shard is ${query.state ?? 'planned'}.</p>` : undefined}
${pager(page.page * SHARDS_A_PAGE, page.found, SHARDS_A_PAGE, (to) => href({ page: to }))}
<p class="small">Times are seconds. Those of stages are summed over threads and overlap, so they add up to more than the shard took.</p></div>`;
}

function seconds(ms: number): string {
  return ms >= 99_950 ? duration(ms / 1000) : (ms / 1000).toFixed(ms < 9_950 ? 2 : 1);
}

/** Every shard in the order of the listing, a cell one or more of them. */
export function shardMap(source: ShardSource): Html {
  const { log, shards, failed } = source;
  const perCell = Math.ceil(shards.places / CELLS);
  const cells = Math.ceil(shards.places / perCell);
  const [side, gap] = [18, 2];
  const columns = Math.min(CELLS_A_ROW, cells);
  const rows = Math.ceil(cells / columns);
  const drawn = Array.from({ length: cells }, (_, cell) => {
    const end = Math.min((cell + 1) * perCell, shards.places);
    const start = cell * perCell;
    const counts = { committed: 0, 'in work': 0, failed: 0, waiting: 0 };
    for (let place = start; place < end; place++) counts[stateOfShard(source, shards.shardAt(place))]++;
    const size = end - start;
    const x = (cell % columns) * side;
    const y = Math.floor(cell / columns) * side;
    const box = (className: string, opacity = 1): Html =>
      html`<rect class="${className}" fill-opacity="${opacity.toFixed(2)}" x="${x}" y="${y}" width="${side - gap}" height="${side - gap}" rx="3"/>`;
    const what = SHARD_STATES.filter((state) => counts[state] > 0).map(
      (state) => `${count(counts[state])} ${state}`,
    );
    const name =
      size === 1 ? `shard ${count(shards.shardAt(start))}` : `places ${count(start)}–${count(end - 1)}`;
    return html`<g>${box('fill-rest')}${counts.committed > 0 ? box('fill-done', 0.25 + (0.75 * counts.committed) / size) : undefined}${counts['in work'] > 0 && counts.committed === 0 ? box('fill-work') : undefined}${counts.failed > 0 ? html`${box('fill-failed')}<path class="map-cross" d="M${x + 4} ${y + 4}l8 8m0 -8l-8 8"/>` : undefined}<title>${name}: ${what.join(', ')}</title></g>`;
  });
  return html`<svg class="map" viewBox="0 0 ${CELLS_A_ROW * side} ${rows * side}" role="img" aria-label="Map of the shards: ${count(log.shardsDone)} of ${count(shards.places)} committed, ${count(failed.size)} failed">${drawn}</svg>`;
}
