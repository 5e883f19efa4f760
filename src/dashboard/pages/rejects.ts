/** Rejected photographs with their reasons, as a gallery. */

import { type Html, html } from '../../shared/page/html.ts';
import { count } from '../../shared/text/counted.ts';
import { printable } from '../../shared/text/printable.ts';
import type { RejectedFace } from '../data/rejects.ts';
import type { RunSnapshot } from '../data/runSnapshot.ts';
import type { RunWatch } from '../data/runWatch.ts';
import { pager, runPath } from './layout.ts';
import { nothingYet } from './nothingYet.ts';

export const REJECTS_A_PAGE = 24;

/** Reasons to choose from; a damaged run may have any number. */
const SHOWN_CODES = 40;

export interface RejectsView {
  /** `stage/code`; undefined: all. */
  readonly code: string | undefined;
  readonly page: number;
  readonly found: number;
  readonly faces: readonly RejectedFace[];
  /** Of the tables: a page that has another one is old. */
  readonly version: string;
}

export function rejectsBody(
  { run, snapshot }: RunWatch,
  { code, page, found, faces, version }: RejectsView,
): Html {
  const path = runPath(run.runId, 'rejects');
  const href = (to: number, of = code): string => {
    const search = new URLSearchParams();
    if (of !== undefined) search.set('code', of);
    if (to > 0) search.set('page', String(to + 1));
    const text = search.toString();
    return `${path}${text === '' ? '' : `?${text}`}`;
  };
  const filter = (of: string | undefined, text: string, number: number): Html =>
    html`<a href="${href(0, of)}"${of === code ? html` aria-current="true"` : undefined}>${text} ${count(number)}</a>`;
  const codes = Object.entries(snapshot.rejectsByCode).sort(([, a], [, b]) => b - a);
  return html`<div id="table" data-live-table="${version}">
<p class="filters">${filter(undefined, 'all', snapshot.counters.rejected)}${codes.slice(0, SHOWN_CODES).map(([name, number]) => filter(name, printable(name), number))}</p>
${faces.length === 0 ? noRejects(snapshot, code) : undefined}
<div class="gallery">${faces.map((face) => rejectCard(run.runId, face))}</div>
${pager(page * REJECTS_A_PAGE, found, REJECTS_A_PAGE, (to) => href(to))}</div>`;
}

export function rejectCard(runId: string, face: RejectedFace): Html {
  const { faceId, subjectId, stage, code, message, shard, row } = face;
  return html`<article class="face" data-face="${faceId}">${thumbnail(runId, shard, row, faceId)}<div><span class="code">${printable(code)}</span><p class="message" title="${printable(message)}">${printable(message)}</p><p>${printable(faceId)}</p><p><bdi>${printable(subjectId)}</bdi> · stage ${printable(stage)} · shard ${count(shard)}</p></div></article>`;
}

/** The photograph of a face, which the server makes when the browser asks for it. */
export function thumbnail(runId: string, shard: number, row: number | undefined, faceId: string): Html {
  if (row === undefined) return html`<img src="/assets/no-picture.svg" alt="" width="88" height="88">`;
  return html`<img src="/runs/${runId}/thumbnails/${shard}/${row}" alt="${printable(faceId)}" width="88" height="88" loading="lazy" decoding="async">`;
}

function noRejects(snapshot: RunSnapshot, code: string | undefined): Html {
  if (snapshot.counters.faces === 0) return nothingYet(snapshot);
  return html`<p class="empty">No photograph was rejected${code === undefined ? '' : ' with this code'}.</p>`;
}
