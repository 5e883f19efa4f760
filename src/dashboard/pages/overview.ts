/** The first page of a run: where it stands, how fast it is, who works on it, what went wrong, what came out. */

import { type Html, html } from '../../shared/page/html.ts';
import type { RunFile } from '../../shared/run/runFile.ts';
import { count, counted } from '../../shared/text/counted.ts';
import { printable } from '../../shared/text/printable.ts';
import type { WorkerTotals } from '../data/commitLog.ts';
import type { RunCoverage } from '../data/coverage.ts';
import type { RejectedFace } from '../data/rejects.ts';
import type { RunSnapshot } from '../data/runSnapshot.ts';
import { shownStages } from '../data/stages.ts';
import { duration, percent, rate, wholeDuration } from '../format.ts';
import { coveragePlots } from './coveragePlots.ts';
import { generationTable, manyTimes } from './generationTable.ts';
import { runPath } from './layout.ts';
import { nothingYet } from './nothingYet.ts';
import { barPlot, throughputPlot } from './plots.ts';
import { rejectCard } from './rejects.ts';
import { workerTable } from './workerTable.ts';

/** Rows of the lists on this page. */
const SHOWN_FAILURES = 20;
const SHOWN_CODES = 8;
const SHOWN_STAGES = 9;

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
    coverage: coveragePlots(run, snapshot, coverage),
    workers: workerTable(snapshot, workers),
    generations: generationTable(snapshot),
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
<h2>Poses</h2>${part('coverage')}
<h2>Workers</h2>${part('workers')}
${part('generations')}
${part('facts')}`;
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

function throughput(snapshot: RunSnapshot): Html {
  const { throughput: series, generations } = snapshot;
  const since = generations.some(({ kind }) => kind === 'append')
    ? 'Since the photographs that came last. '
    : '';
  return html`<figure class="chart"><h3>Faces a second</h3>${series ? throughputPlot(series) : nothingYet(snapshot)}<figcaption>${since}By the committed shards, each spread over the time it took. What is in work now is not in it yet.</figcaption></figure>`;
}

function stages(snapshot: RunSnapshot): Html {
  const { stageTotals, counters } = snapshot;
  const bars = shownStages([...stageTotals.keys()])
    .map((label) => ({ label, value: (stageTotals.get(label) ?? 0) / Math.max(1, counters.faces) }))
    .sort((a, b) => b.value - a.value)
    .slice(0, SHOWN_STAGES)
    .map(({ label, value }) => ({
      label,
      value,
      text: `${value < 10 ? value.toFixed(1) : count(value)} ms`,
    }));
  return html`<figure class="chart"><h3>Where the time goes</h3>${bars.length > 0 ? barPlot('Milliseconds a face by stage', bars, 'fill-done') : nothingYet(snapshot)}<figcaption>Milliseconds a face by stage, summed over threads: they overlap, so together they are more than the clock shows.</figcaption></figure>`;
}

function failures({ failed, state, shardsDone }: RunSnapshot): Html {
  const { shards, notes } = failed;
  if (shards.length === 0) return html``;
  const committed = `${shardsDone === 0 ? 'nothing' : 'everything else'} is committed`;
  const whatOfOthers = state === 'failed' ? committed : 'the others go on';
  const rows = notes
    .slice(0, SHOWN_FAILURES)
    .map(
      (note) =>
        html`<tr><td class="text">shard ${note.shard}</td><td class="text" data-label="code"><span class="wrong">✕</span> ${printable(note.code)}</td><td class="text message wide">${printable(note.message)}</td><td data-label="attempts">${note.attempts}</td><td class="text" data-label="on">${printable(note.host)}</td></tr>`,
    );
  const more = shards.length - rows.length;
  return html`<h2>Failed shards <small>${count(shards.length)}</small></h2><p class="lead">Given up after their attempts; ${whatOfOthers}. <code>posecast retry-failed OUT</code> takes them up again.</p>
<div class="scroll"><table class="rows"><thead><tr><th class="text">shard</th><th class="text">code</th><th class="text">reason</th><th>attempts</th><th class="text">host</th></tr></thead><tbody>${rows}</tbody></table></div>${more > 0 ? html`<p class="empty">${count(more)} more.</p>` : undefined}`;
}

function reasons(run: RunFile, snapshot: RunSnapshot, examples: readonly RejectedFace[] = []): Html {
  const { rejectsByCode, counters } = snapshot;
  const codes = Object.entries(rejectsByCode).sort(([, a], [, b]) => b - a);
  if (codes.length === 0) {
    return counters.faces === 0
      ? nothingYet(snapshot)
      : html`<p class="empty">None of ${counted(counters.faces, 'face', 'faces')}.</p>`;
  }
  const bars = codes.slice(0, SHOWN_CODES).map(([code, faces]) => ({
    label: printable(code),
    value: faces,
    text: `${count(faces)} · ${percent(faces / counters.faces)}`,
    href: `${runPath(run.runId, 'rejects')}?code=${encodeURIComponent(code)}`,
  }));
  return html`<div class="charts reasons"><figure class="chart">${barPlot('Rejected photographs by reason', bars, 'fill-reject')}<figcaption>${codes.length > SHOWN_CODES ? `The ${SHOWN_CODES} most frequent of ${codes.length} reasons. ` : ''}Shares of the faces done. <a href="${runPath(run.runId, 'rejects')}">See the photographs</a></figcaption></figure><div class="gallery">${examples.map((face) => rejectCard(run.runId, face))}</div></div>`;
}
