/**
 * The report of `posecast evaluate --protocol`: the same frame as the evaluation's, with one table. A pure function.
 */

import { type Html, html } from '../../shared/page/html.ts';
import { count, counted } from '../../shared/text/counted.ts';
import type { ProtocolName, ProtocolResult, ProtocolRow } from '../protocols/protocolResult.ts';
import { arrow } from './arrow.ts';
import { drawForestAxis, drawForestRow, type ForestAxis, forestAxis } from './forest.ts';
import { duration, listed, percent, percentNumber, percentRange, pointsWithInterval } from './format.ts';
import { page } from './page.ts';
import { side } from './verdict.ts';

const TITLES: Readonly<Record<ProtocolName, string>> = {
  lfw: 'Labeled Faces in the Wild, pairs',
  'cfp-ff': 'Celebrities in Frontal-Profile, frontal with frontal',
  'cfp-fp': 'Celebrities in Frontal-Profile, frontal with profile',
  cplfw: 'Cross-Pose LFW, pairs',
  calfw: 'Cross-Age LFW, pairs',
  ijb: 'IJB, 1:1 verification of templates',
  kdef: 'KDEF, the evaluation of the paper put right',
  'kdef-published': 'KDEF, the evaluation of the paper as published',
};

/** The whole page. */
export function renderProtocolReport(result: ProtocolResult): string {
  const title = TITLES[result.protocol];
  return page({
    title: `posecast evaluate: ${title}`,
    stamp: stampOf(result),
    body: html`<header class="top"><h1>${title}: ${result.corpus}</h1>${verdicts(result)}
${result.notes.map((note) => html`<p class="warning">${note}</p>`)}</header>
<main><h2>All measures</h2><p class="lead">Differences to none, each with its 95 % interval. ▲ better than none, ▼ worse, · not told apart.</p>
${table(result)}
${provenance(result)}</main>`,
  });
}

function stampOf({ protocol, defects }: ProtocolResult): Html | undefined {
  if (defects.length === 0) return undefined;
  const what = protocol === 'kdef-published' ? 'AS PUBLISHED, DEFECTS INCLUDED' : 'LEAKAGE';
  return html`${what}: these numbers say nothing about new people<p>${defects.join('; ')}.</p>`;
}

/** A card for every model, or for the best rival when none was given. */
function verdicts(result: ProtocolResult): Html[] {
  const generators = result.rows.filter(({ kind }) => kind === 'generator');
  const judged =
    generators.length > 0 ? generators : result.rows.filter(({ kind }) => kind === 'rival').slice(0, 1);
  if (judged.length === 0) {
    const [none] = result.rows;
    return [
      html`<section class="verdict unclear"><p class="where">recogniser ${result.recognizer}</p><p class="headline">${baseline(result, none)}</p></section>`,
    ];
  }
  return judged.map((row) => {
    const { tone, sentence } = protocolVerdict(result, row);
    return html`<section class="verdict ${tone}"><p class="where">recogniser ${result.recognizer}</p><p class="headline">${sentence}</p></section>`;
  });
}

function baseline(result: ProtocolResult, none: ProtocolRow | undefined): string {
  const name = result.measures[0]?.name ?? '';
  const value = none?.values[name];
  return value === undefined
    ? 'Nothing could be measured.'
    : `Without variants: ${name} ${percent(value.value)} ${percentRange(value)}. No model was given.`;
}

/** One sentence on a row by the first measure of the protocol. */
export function protocolVerdict(
  { measures, defects }: Pick<ProtocolResult, 'measures' | 'defects'>,
  row: ProtocolRow,
): { readonly tone: 'helps' | 'hurts' | 'unclear' | 'invalid'; readonly sentence: string } {
  const [measure] = measures;
  const value = measure && row.values[measure.name];
  if (measure === undefined || value?.difference === undefined) {
    return { tone: 'unclear', sentence: `${row.label} could not be measured.` };
  }
  const amount = `${measure.name} ${percent(value.value)}, ${pointsWithInterval(value.difference)}`;
  if (defects.length > 0) {
    return { tone: 'invalid', sentence: `Not valid, for the record only: ${row.label}, ${amount}.` };
  }
  switch (side(value.difference) * (measure.better === 'higher' ? 1 : -1)) {
    case 1:
      return { tone: 'helps', sentence: `${row.label} helps: ${amount}.` };
    case -1:
      return { tone: 'hurts', sentence: `${row.label} hurts: ${amount}.` };
    default:
      return {
        tone: 'unclear',
        sentence: `${row.label} cannot be told apart from no augmentation: ${amount}.`,
      };
  }
}

function table({ measures, rows }: ProtocolResult): Html {
  const [first] = measures;
  const better = first?.better === 'lower' ? -1 : 1;
  const axis = forestAxis(
    rows.flatMap((row) => row.values[first?.name ?? '']?.difference ?? []),
    better,
  );
  return html`<div class="scroll"><table class="stack"><thead><tr><th>Method</th><th>${first?.name}, %</th><th class="forest-cell">difference to none in points${drawForestAxis(axis)}</th>${measures.slice(1).map((measure) => html`<th title="${measure.meaning}">${measure.name}, %</th>`)}</tr></thead><tbody>${rows.map((row) => tableRow(row, measures, axis))}</tbody></table></div>`;
}

function tableRow(row: ProtocolRow, measures: ProtocolResult['measures'], axis: ForestAxis): Html {
  const value = row.values[measures[0]?.name ?? ''];
  const judged = row.kind === 'generator' ? html` class="judged"` : undefined;
  return html`<tr${judged}><td class="text">${row.label}<span class="learned">${row.trainedOn}</span></td><td class="number">${value && html`${percentNumber(value.value)}<span class="range">${percentRange(value)}</span>`}</td><td class="forest-cell">${drawForestRow(axis, value?.difference)}</td>${measures.slice(1).map((measure) => cell(row, measure))}</tr>`;
}

function cell(row: ProtocolRow, { name, better }: ProtocolResult['measures'][number]): Html {
  const value = row.values[name];
  if (value === undefined) return html`<td class="more" data-label="${name}">–</td>`;
  return html`<td class="more number" data-label="${name}">${percentNumber(value.value)}${arrow(value.difference, better)}</td>`;
}

function provenance(result: ProtocolResult): Html {
  const { counts } = result;
  const rejected = Object.entries(counts.rejected).map(([code, count]) => `${count} ${code}`);
  const asked = result.protocol.startsWith('kdef')
    ? counted(counts.asked, 'person', 'people')
    : `${count(counts.answered)} of ${counted(counts.asked, 'pair', 'pairs')} compared`;
  return html`<h2>How this was made</h2><dl>
<dt>command</dt><dd><code>${result.command}</code></dd>
<dt>posecast</dt><dd>${result.posecastVersion}, ${result.finishedAt}, ${duration(result.seconds)}</dd>
<dt>corpus</dt><dd><code>${result.corpus}</code>: ${count(counts.usable)} of ${counted(counts.photographs, 'photograph', 'photographs')} usable${rejected.length > 0 ? ` (rejected: ${listed(rejected)})` : ''}; ${asked}</dd>
<dt>lists</dt><dd><code>${result.lists.join(' ') || 'none: labels are in the file names'}</code></dd>
<dt>networks</dt><dd>recogniser ${result.recognizer}, detector ${result.detector}; ${counted(result.variants, 'variant', 'variants')} each; seed ${String(result.seed)}</dd>
<dt>intervals</dt><dd>${result.intervals}</dd>
${result.measures.map(({ name, meaning, better }) => html`<dt>${name}</dt><dd>${meaning}; ${better} is better</dd>`)}
</dl>`;
}
