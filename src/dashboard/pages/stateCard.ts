/**
 * The card at the top of every page of a run: its state in a sentence, how far it is, and what one has to know beside
 * it.
 */

import { type Html, html } from '../../shared/page/html.ts';
import { count, counted } from '../../shared/text/counted.ts';
import { printable } from '../../shared/text/printable.ts';
import type { RunSnapshot } from '../data/runSnapshot.ts';
import { ago, duration, moment, wholeDuration, wholePercent } from '../format.ts';
import { manyTimes } from './generationTable.ts';

export function stateCard(out: string, snapshot: RunSnapshot, actions: Html | undefined): Html {
  const { state, counters, facesTotal } = snapshot;
  return html`<p class="where">${printable(out)}</p><p class="headline" data-state="${state}">${headline(snapshot)}</p>
${progressBar(snapshot)}<div class="bar-caption"><span><b data-value="percent">${wholePercent(counters.faces, facesTotal)}</b> of ${count(facesTotal)} faces</span>${when(snapshot)}<span>${count(snapshot.shardsDone)} of ${counted(snapshot.shardsTotal, 'shard', 'shards')} committed${manyTimes(snapshot) ? html`, ${counted(snapshot.generations.length, 'generation', 'generations')}` : undefined}</span></div>
${notes(snapshot)}${actions}`;
}

/** When it ended, or will. */
function when({ state, lastCommitAt, etaSeconds, at }: RunSnapshot): Html | undefined {
  if (state === 'complete' && lastCommitAt !== undefined)
    return html`<span>finished ${moment(lastCommitAt)}</span>`;
  return etaSeconds === undefined
    ? undefined
    : html`<span>done about ${moment(at + 1_000 * etaSeconds)}</span>`;
}

/** Class of the card: the colour of its edge. */
export function stateClass({ state }: RunSnapshot): string {
  return `state ${state.replace(' ', '-')}`;
}

function headline(snapshot: RunSnapshot): Html {
  const { state, counters, workMs, lastCommitAt, etaSeconds, at } = snapshot;
  const share = wholePercent(counters.faces, snapshot.facesTotal);
  const left =
    etaSeconds === undefined ? undefined : html`, about ${wholeDuration(Math.max(1, etaSeconds))} to go`;
  const since = lastCommitAt === undefined ? undefined : html`; last commit ${ago(lastCommitAt, at)} ago`;
  switch (state) {
    case 'complete': {
      const took = workMs === undefined ? '' : ` in ${duration(workMs / 1000)}`;
      return html`Complete: ${counted(counters.faces, 'face', 'faces')} of ${counted(snapshot.peopleTotal, 'person', 'people')}${took}, ${count(counters.rejected)} rejected`;
    }
    case 'finishing':
      return html`Finishing: every shard is committed, the manifest is being written`;
    case 'paused':
      return html`Paused at ${share}${pausedWhen(snapshot)}`;
    case 'failed':
      // Of one or another there may be no note: what is missing then has failed.
      return html`Failed: ${counted(snapshot.shardsTotal - snapshot.shardsDone, 'shard was', 'shards were')} given up, ${share} is done`;
    case 'running':
      return html`Running: ${share} done${left}`;
    case 'waiting':
      return html`Waiting: no worker is alive, ${share} done${since}`;
    case 'not queued':
      return html`Not queued: ${whyNotQueued(snapshot)}, ${share} done${since}`;
    case 'unknown':
      return snapshot.reading ? html`Reading the commits` : html`Not complete: ${share} done${left}${since}`;
  }
}

function pausedWhen({ pausedSince, at }: RunSnapshot): Html | undefined {
  if (pausedSince === undefined) return undefined;
  const since = Date.parse(pausedSince);
  // How long ago is not known where the clock of whoever paused it is ahead of this one.
  return since > at
    ? html`, at ${moment(since)} by the clock of who paused it`
    : html`, ${ago(since, at)} ago`;
}

function whyNotQueued({ redis }: RunSnapshot): string {
  const isOffList = redis.status === 'answers' && !redis.queue.listed;
  return isOffList ? 'it is not on the list of this Redis' : 'this Redis has no shards of it';
}

function progressBar({
  counters,
  facesTotal,
  shardsDone,
  shardsTotal,
  failed,
  redis,
  state,
}: RunSnapshot): Html {
  const done = counters.faces / facesTotal;
  const share = (shards: number) => (1 - done) * (shards / Math.max(1, shardsTotal - shardsDone));
  const work = share(redis.status === 'answers' ? redis.queue.active : 0);
  const lost = share(failed.shards.length);
  const x = (value: number) => (1000 * Math.min(1, value)).toFixed(1);
  return html`<div class="bar" role="progressbar" aria-label="Faces done" aria-valuemin="0" aria-valuemax="100" aria-valuenow="${Math.floor(100 * done)}" aria-valuetext="${wholePercent(counters.faces, facesTotal)}, ${state}"><svg viewBox="0 0 1000 16" preserveAspectRatio="none" aria-hidden="true"><rect class="fill-done" x="0" y="0" width="${x(done)}" height="16"/><rect class="fill-work" x="${x(done)}" y="0" width="${x(work)}" height="16"/><rect class="fill-failed" x="${x(1 - lost)}" y="0" width="${x(lost)}" height="16"/></svg></div>`;
}

/** What one has to know beside the numbers. */
function notes({ trouble, redis, reading, shardsDone, shardsTotal, state }: RunSnapshot): Html {
  const items: Html[] = [];
  if (trouble !== undefined)
    items.push(
      html`<li>OUT cannot be read just now; the numbers are from before. ${printable(trouble)}</li>`,
    );
  if (reading && trouble === undefined)
    items.push(html`<li class="plain">The commits are being read: ${count(shardsDone)} so far.</li>`);
  if (redis.status === 'away' && state !== 'complete')
    items.push(
      html`<li data-note="redis-away">Redis at ${redis.label} does not answer: workers and queue are not shown. The numbers come from the commits.</li>`,
    );
  if (redis.status === 'answers' && state !== 'complete') {
    const { waiting, active, delayed, failed } = redis.queue;
    items.push(
      html`<li class="plain">Queue: ${count(waiting)} waiting, ${count(active)} in work, ${count(delayed)} to be tried again, ${count(failed.length)} failed.</li>`,
    );
  }
  if (redis.status === 'not asked' && state === 'unknown' && !reading && shardsDone < shardsTotal)
    items.push(
      html`<li class="plain">No Redis was named: whether a worker is alive is not known. The numbers come from the commits.</li>`,
    );
  return items.length === 0 ? html`` : html`<ul class="notes">${items}</ul>`;
}
