/** Who works on a run: by heartbeats, where a Redis answers, and by commits. */

import { type Html, html } from '../../shared/page/html.ts';
import { count } from '../../shared/text/counted.ts';
import { printable } from '../../shared/text/printable.ts';
import type { WorkerTotals } from '../data/commitLog.ts';
import type { SeenWorker } from '../data/redisLink.ts';
import type { RunSnapshot } from '../data/runSnapshot.ts';
import { ago } from '../format.ts';

/** Rows of the table; so many of them for the silent ones, where there are others. */
const SHOWN_WORKERS = 40;
const SHOWN_SILENT = 20;

interface ShownWorker {
  readonly host: string;
  readonly pid: number;
  readonly device: string;
  readonly heard: SeenWorker | undefined;
  readonly done: WorkerTotals | undefined;
}

interface Workers {
  /** Without a heartbeat for too long: what one has to know first. */
  readonly silent: readonly ShownWorker[];
  readonly alive: readonly ShownWorker[];
  /** Known by their commits alone. */
  readonly gone: readonly ShownWorker[];
}

function mergeWorkers(snapshot: RunSnapshot, totals: readonly WorkerTotals[]): Workers {
  const key = ({ host, pid }: { host: string; pid: number }) => `${host}\0${pid}`;
  const done = new Map(totals.map((worker) => [key(worker), worker]));
  const heard = snapshot.redis.status === 'answers' ? snapshot.redis.queue.workers : [];
  const shown: ShownWorker[] = heard.map((worker) => ({
    ...worker,
    heard: worker,
    done: done.get(key(worker)),
  }));
  // A container that is started again keeps its host name and pid. A silent one of the same name is it, earlier: the
  // commits would be shown twice.
  const newest = new Map(heard.toReversed().map((worker) => [key(worker), worker]));
  const gone = totals
    .filter((worker) => !newest.has(key(worker)))
    .sort((a, b) => b.lastCommitAt - a.lastCommitAt)
    .map((worker) => ({ ...worker, heard: undefined, done: worker }));
  return {
    silent: shown.filter(
      (worker) => worker.heard?.alive === false && newest.get(key(worker)) === worker.heard,
    ),
    alive: shown.filter((worker) => worker.heard?.alive === true),
    gone,
  };
}

export function workerTable(snapshot: RunSnapshot, totals: readonly WorkerTotals[]): Html {
  const { silent, alive, gone } = mergeWorkers(snapshot, totals);
  const others = [...alive, ...gone];
  if (silent.length + others.length === 0)
    return html`<p class="empty">No worker has committed a shard${snapshot.redis.status === 'answers' ? ' or is alive' : ''} yet.</p>`;
  const first = silent.slice(0, Math.max(SHOWN_SILENT, SHOWN_WORKERS - others.length));
  const shown = new Set([...first, ...others].slice(0, SHOWN_WORKERS));
  const rows = [...shown].map(({ host, pid, device, heard, done }) => {
    const beat = heard
      ? html`<span class="mark ${heard.alive ? 'ok' : 'wrong'}">${heard.alive ? '●' : '○'}</span>${heard.alive ? 'heard' : 'silent for'} ${ago(snapshot.at - heard.silentMs, snapshot.at)}${heard.alive ? ' ago' : ''}`
      : html`<span class="dim">${snapshot.redis.status === 'answers' ? 'gone' : '–'}</span>`;
    return html`<tr><td class="text">${printable(host)} <span class="dim">${pid}</span></td><td class="text" data-label="device">${printable(device)}</td><td data-label="shards">${count(done?.shards ?? 0)}</td><td data-label="faces">${count(done?.faces ?? 0)}</td><td class="number" data-label="last commit">${done ? html`${ago(done.lastCommitAt, snapshot.at)} ago` : '–'}</td><td class="text" data-label="heartbeat">${beat}</td></tr>`;
  });
  const missing = (some: readonly ShownWorker[]) => some.filter((worker) => !shown.has(worker)).length;
  const more = [
    { workers: missing(silent), what: 'silent' },
    { workers: missing(alive), what: 'alive' },
    { workers: missing(gone), what: snapshot.redis.status === 'answers' ? 'gone' : 'by their commits' },
  ].filter(({ workers }) => workers > 0);
  return html`<div class="scroll"><table class="rows"><thead><tr><th class="text">host and process</th><th class="text">device</th><th>shards</th><th>faces</th><th>last commit</th><th class="text">heartbeat</th></tr></thead><tbody>${rows}</tbody></table></div>${more.length > 0 ? html`<p class="empty">And ${more.map(({ workers, what }) => `${count(workers)} more ${what}`).join(', ')}.</p>` : undefined}${snapshot.redis.status === 'answers' ? undefined : html`<p class="small">By the commits. Heartbeats are shown when a Redis answers.</p>`}`;
}
