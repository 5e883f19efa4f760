/** Who works on a run: by heartbeats, where a Redis answers, and by commits. */
import { type Html, html } from '../../shared/page/html.ts';
import { printable } from '../../shared/printable.ts';
import type { WorkerTotals } from '../data/commitLog.ts';
import type { HeardWorker } from '../data/redisLink.ts';
import type { RunSnapshot } from '../data/runWatch.ts';
import { ago, count, counted } from '../format.ts';

const SHOWN_WORKERS = 40;

interface ShownWorker {
  readonly host: string;
  readonly pid: number;
  readonly device: string;
  readonly heard: HeardWorker | undefined;
  readonly done: WorkerTotals | undefined;
}

/** Those with a heartbeat first, then those known by their commits alone. */
function mergeWorkers(snapshot: RunSnapshot, totals: readonly WorkerTotals[]): ShownWorker[] {
  const key = ({ host, pid }: { host: string; pid: number }) => `${host}\0${pid}`;
  const done = new Map(totals.map((worker) => [key(worker), worker]));
  const heard = snapshot.redis.status === 'answers' ? snapshot.redis.queue.workers : [];
  const shown: ShownWorker[] = heard.map((worker) => ({
    ...worker,
    heard: worker,
    done: done.get(key(worker)),
  }));
  const named = new Set(heard.map(key));
  const others = totals
    .filter((worker) => !named.has(key(worker)))
    .sort((a, b) => b.lastCommitAt - a.lastCommitAt)
    .map((worker) => ({ ...worker, heard: undefined, done: worker }));
  return [...shown, ...others];
}

export function workerTable(snapshot: RunSnapshot, totals: readonly WorkerTotals[]): Html {
  const workers = mergeWorkers(snapshot, totals);
  if (workers.length === 0)
    return html`<p class="empty">No worker has committed a shard${snapshot.redis.status === 'answers' ? ' or is alive' : ''} yet.</p>`;
  const rows = workers.slice(0, SHOWN_WORKERS).map(({ host, pid, device, heard, done }) => {
    const beat = heard
      ? html`<span class="mark ${heard.alive ? 'ok' : 'wrong'}">${heard.alive ? '●' : '○'}</span>${heard.alive ? 'heard' : 'silent for'} ${ago(snapshot.at - heard.silentMs, snapshot.at)}${heard.alive ? ' ago' : ''}`
      : html`<span class="dim">${snapshot.redis.status === 'answers' ? 'gone' : '–'}</span>`;
    return html`<tr><td class="text">${printable(host)} <span class="dim">${pid}</span></td><td class="text" data-label="device">${printable(device)}</td><td data-label="shards">${count(done?.shards ?? 0)}</td><td data-label="faces">${count(done?.faces ?? 0)}</td><td class="number" data-label="last commit">${done ? html`${ago(done.lastCommitAt, snapshot.at)} ago` : '–'}</td><td class="text" data-label="heartbeat">${beat}</td></tr>`;
  });
  const more = workers.length - rows.length;
  return html`<div class="scroll"><table class="rows"><thead><tr><th class="text">host and process</th><th class="text">device</th><th>shards</th><th>faces</th><th>last commit</th><th class="text">heartbeat</th></tr></thead><tbody>${rows}</tbody></table></div>${more > 0 ? html`<p class="empty">${counted(more, 'other has', 'others have')} worked on it before.</p>` : undefined}${snapshot.redis.status === 'answers' ? undefined : html`<p class="small">By the commits. Heartbeats are shown when a Redis answers.</p>`}`;
}
