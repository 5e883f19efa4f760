/** The first page of a run: where it stands, how fast it is, who works on it, what went wrong, what came out. */
import { type Html, html } from '../../shared/page/html.ts';
import { POSE_BINS } from '../../shared/poseBins.ts';
import { printable } from '../../shared/printable.ts';
import type { RunFile } from '../../shared/run/runFile.ts';
import type { WorkerTotals } from '../data/commitLog.ts';
import type { RunCoverage } from '../data/coverage.ts';
import type { HeardWorker } from '../data/redisLink.ts';
import type { RejectedFace } from '../data/rejects.ts';
import type { RunSnapshot } from '../data/runWatch.ts';
import { shownStages } from '../data/stages.ts';
import {
  ago,
  count,
  counted,
  date,
  duration,
  moment,
  percent,
  rate,
  wholeDuration,
  wholePercent,
} from '../format.ts';
import { runPath } from './layout.ts';
import { barPlot, poseGrid, throughputPlot } from './plots.ts';
import { rejectCard } from './rejects.ts';

/** Rows of the lists on this page. */
const SHOWN_WORKERS = 40;
const SHOWN_FAILURES = 20;
const SHOWN_CODES = 8;
const SHOWN_STAGES = 9;
const SHOWN_GENERATIONS = 12;

/** The parts of the page that are replaced while one looks, by the id of their element. */
export function overviewParts(
  run: RunFile,
  out: string,
  snapshot: RunSnapshot,
  workers: readonly WorkerTotals[],
  coverage: RunCoverage | undefined,
  examples: readonly RejectedFace[] | undefined,
): Record<string, Html> {
  return {
    tiles: tiles(snapshot, workers),
    throughput: throughput(snapshot),
    stages: stages(snapshot),
    failures: failures(snapshot),
    reasons: reasons(run, snapshot, examples),
    coverage: coveragePlots(run, coverage),
    workers: workerTable(snapshot, workers),
    generations: generations(snapshot),
    facts: facts(run, out, snapshot),
  };
}

export function overviewBody(parts: Record<string, Html>): Html {
  const part = (id: string, className = ''): Html =>
    html`<div id="${id}" class="${className}">${parts[id]}</div>`;
  return html`${part('tiles', 'tiles')}
<div class="charts">${part('throughput')}${part('stages')}</div>
${part('failures')}
<h2>Rejected photographs</h2>${part('reasons')}
<h2>Poses before and after</h2>${part('coverage')}
<h2>Workers</h2>${part('workers')}
${part('generations')}
${part('facts')}`;
}

/** Photographs were added, or shards done again. */
function manyTimes({ generations }: RunSnapshot): boolean {
  return generations.length > 1;
}

/** The newest first. */
function generations(snapshot: RunSnapshot): Html {
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

/** What the run was asked to do. */
function facts(run: RunFile, out: string, { facesTotal, peopleTotal }: RunSnapshot): Html {
  const { config } = run;
  const rows: readonly (readonly [string, string])[] = [
    [
      'Corpus',
      `${config.corpus} (${counted(facesTotal, 'face', 'faces')} of ${counted(peopleTotal, 'person', 'people')})`,
    ],
    ['OUT', out],
    ['Recogniser', `${run.recognizer.name}, ${run.embeddingDim} × ${config.embeddingType}`],
    ['FRA model', run.fra === null ? 'none: real embeddings only' : run.fra.name],
    ['Variants', `${count(config.variants)} a person, policy ${config.policy}, seed ${config.seed}`],
    ['Detector', config.aligned ? 'none: aligned crops' : config.detector],
    ['Planned', `${run.createdAt} by posecast ${run.posecastVersion}`],
  ];
  return html`<h2>What was asked</h2><dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${printable(value)}</dd>`)}</dl>`;
}

function tiles(snapshot: RunSnapshot, workers: readonly WorkerTotals[]): Html {
  const { counters, facesTotal, pace, state } = snapshot;
  const done = state === 'complete' || state === 'finishing';
  const alive =
    snapshot.redis.status === 'answers'
      ? snapshot.redis.queue.workers.filter((w) => w.alive).length
      : undefined;
  const tile = (id: string, value: Html | string, text: Html | string, className = ''): Html =>
    html`<div class="tile${className}"><b data-value="${id}">${value}</b><span>${text}</span></div>`;
  const { workMs } = snapshot;
  return html`${tile('faces', count(counters.faces), html`of ${count(facesTotal)} faces done`)}
${tile('ok', count(counters.ok), 'real embeddings')}
${tile('variants', count(counters.variants), html`variants${counters.variantsRejected > 0 ? html`, ${count(counters.variantsRejected)} below the gate` : undefined}`)}
${tile('rejected', count(counters.rejected), html`rejected${counters.faces > 0 ? html` (${percent(counters.rejected / counters.faces)})` : undefined}`, counters.rejected > 0 ? ' bad' : '')}
${tile('rate', pace ? html`${rate(pace.facesPerSecond)}<small> /s</small>` : '–', done ? 'faces on average' : 'faces, last shards')}
${done ? tile('took', workMs === undefined ? '–' : duration(workMs / 1000), manyTimes(snapshot) ? 'at work, all generations' : 'first shard to last commit') : tile('eta', snapshot.etaSeconds === undefined ? '–' : wholeDuration(snapshot.etaSeconds), 'to go at this pace')}
${tile('shards', count(snapshot.shardsDone), html`of ${counted(snapshot.shardsTotal, 'shard', 'shards')}${snapshot.failed.shards.length > 0 ? html`, ${count(snapshot.failed.shards.length)} failed` : undefined}`)}
${tile('workers', alive === undefined ? count(workers.length) : count(alive), alive === undefined ? (workers.length === 1 ? 'worker has committed' : 'workers have committed') : alive === 1 ? 'worker alive' : 'workers alive')}`;
}

function throughput({ throughput: series }: RunSnapshot): Html {
  return html`<figure class="chart"><h3>Faces a second</h3>${series ? throughputPlot(series) : html`<p class="empty">Nothing is committed yet.</p>`}<figcaption>By the committed shards, each spread over the time it took. What is in work now is not in it yet.</figcaption></figure>`;
}

function stages({ stageTotals, counters }: RunSnapshot): Html {
  const bars = shownStages([...stageTotals.keys()])
    .map((label) => ({ label, value: (stageTotals.get(label) ?? 0) / Math.max(1, counters.faces) }))
    .sort((a, b) => b.value - a.value)
    .slice(0, SHOWN_STAGES)
    .map(({ label, value }) => ({
      label,
      value,
      text: `${value < 10 ? value.toFixed(1) : count(value)} ms`,
    }));
  return html`<figure class="chart"><h3>Where the time goes</h3>${bars.length > 0 ? barPlot('Milliseconds a face by stage', bars, 'fill-done') : html`<p class="empty">Nothing is committed yet.</p>`}<figcaption>Milliseconds a face by stage, summed over threads: they overlap, so together they are more than the clock shows.</figcaption></figure>`;
}

function failures({ failed, state }: RunSnapshot): Html {
  const { shards, notes } = failed;
  if (shards.length === 0) return html``;
  const rows = notes
    .slice(0, SHOWN_FAILURES)
    .map(
      (note) =>
        html`<tr><td class="text">shard ${note.shard}</td><td class="text" data-label="code"><span class="wrong">✕</span> ${printable(note.code)}</td><td class="text message wide">${printable(note.message)}</td><td data-label="attempts">${note.attempts}</td><td class="text" data-label="on">${printable(note.host)}</td></tr>`,
    );
  const more = shards.length - rows.length;
  return html`<h2>Failed shards <small>${count(shards.length)}</small></h2><p class="lead">Given up after their attempts; ${state === 'failed' ? 'everything else is committed' : 'the others go on'}. <code>posecast retry-failed OUT</code> takes them up again.</p>
<div class="scroll"><table class="rows"><thead><tr><th class="text">shard</th><th class="text">code</th><th class="text">reason</th><th>attempts</th><th class="text">host</th></tr></thead><tbody>${rows}</tbody></table></div>${more > 0 ? html`<p class="empty">${count(more)} more.</p>` : undefined}`;
}

function reasons(
  run: RunFile,
  { rejectsByCode, counters }: RunSnapshot,
  examples: readonly RejectedFace[] = [],
): Html {
  const codes = Object.entries(rejectsByCode).sort(([, a], [, b]) => b - a);
  if (codes.length === 0) {
    return html`<p class="empty">${counters.faces === 0 ? 'Nothing is committed yet.' : `None of ${counted(counters.faces, 'face', 'faces')}.`}</p>`;
  }
  const bars = codes.slice(0, SHOWN_CODES).map(([code, faces]) => ({
    label: printable(code),
    value: faces,
    text: `${count(faces)} · ${percent(faces / counters.faces)}`,
    href: `${runPath(run.runId, 'rejects')}?code=${encodeURIComponent(code)}`,
  }));
  return html`<div class="charts reasons"><figure class="chart">${barPlot('Rejected photographs by reason', bars, 'fill-reject')}<figcaption>${codes.length > SHOWN_CODES ? `The ${SHOWN_CODES} most frequent of ${codes.length} reasons. ` : ''}Shares of the faces done. <a href="${runPath(run.runId, 'rejects')}">See the photographs</a></figcaption></figure><div class="gallery">${examples.map((face) => rejectCard(run.runId, face))}</div></div>`;
}

function coveragePlots(run: RunFile, coverage: RunCoverage | undefined): Html {
  if (coverage === undefined || coverage.people === 0) {
    return html`<p class="empty">${run.config.variants === 0 ? 'No variants were asked for.' : 'Nothing is committed yet.'}</p>`;
  }
  const { people, before, after } = coverage;
  const grid = (title: string, counts: Uint32Array, className: (bin: number) => string): Html => {
    const shares = Array.from({ length: POSE_BINS }, (_, bin) => counts[bin]! / people);
    return html`<figure class="chart"><h3>${title}</h3>${poseGrid({
      title: `${title}: share of people with a face at each pose`,
      shares,
      labels: shares.map((share) =>
        share === 0 ? '' : share < 0.005 ? '<1' : String(Math.round(100 * share)),
      ),
      describe: (bin) => `${count(counts[bin]!)} of ${counted(people, 'person', 'people')}`,
      className,
    })}</figure>`;
  };
  const sampled =
    coverage.shards < coverage.shardsDone
      ? ` Counted over ${counted(people, 'person', 'people')} of ${count(coverage.shards)} of ${count(coverage.shardsDone)} shards.`
      : ` Counted over ${counted(people, 'person', 'people')}.`;
  return html`<p class="lead">Percent of people with a face at each pose: yaw to the right, pitch upwards. On average a person covers <b>${percent(coverage.meanBefore)}</b> of the poses the model can generate before, <b>${percent(coverage.meanAfter)}</b> with the variants.${sampled}</p>
<div class="charts">${grid('Before: photographs alone', before, () => 'fill-done')}${grid('After: with the variants', after, (bin) => (before[bin]! >= after[bin]! / 2 ? 'fill-done' : 'fill-reject'))}</div>
<p class="small">Blue: mostly photographs; orange: mostly generated. The deeper, the more people.</p>`;
}

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

function workerTable(snapshot: RunSnapshot, totals: readonly WorkerTotals[]): Html {
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

/** The card at the top of every page of a run. */
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
      return html`Paused at ${share}${snapshot.pausedSince === undefined ? undefined : html`, ${ago(Date.parse(snapshot.pausedSince), at)} ago`}`;
    case 'failed':
      return html`Failed: ${counted(snapshot.failed.shards.length, 'shard was', 'shards were')} given up, ${share} is done`;
    case 'running':
      return html`Running: ${share} done${left}`;
    case 'waiting':
      return html`Waiting: no worker is alive, ${share} done${since}`;
    case 'not queued':
      return html`Not queued: this Redis has no shards of it, ${share} done${since}`;
    case 'unknown':
      return snapshot.reading ? html`Reading the commits` : html`Not complete: ${share} done${left}${since}`;
  }
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
      html`<li class="plain">Queue: ${count(waiting)} waiting, ${count(active)} in work, ${count(delayed)} to be tried again, ${count(failed)} failed.</li>`,
    );
  }
  if (redis.status === 'not asked' && state === 'unknown' && !reading && shardsDone < shardsTotal)
    items.push(
      html`<li class="plain">No Redis was named: whether a worker is alive is not known. The numbers come from the commits.</li>`,
    );
  return items.length === 0 ? html`` : html`<ul class="notes">${items}</ul>`;
}
