/**
 * The report as one HTML file that needs nothing else: no script, no font, no address. Verdict first, then the table
 * that decides, the plots, what was taken away, what it costs, pictures, and how it was made. A pure function.
 */

import { type Html, html } from '../../shared/page/html.ts';
import { counted } from '../../shared/text/counted.ts';
import type { EvaluationResult, RecognizerResult, Verdict } from '../result.ts';
import { costTable } from './costTable.ts';
import { exampleSection } from './examples.ts';
import { percent, percentRange, points, pointsRange } from './format.ts';
import { fullTables } from './fullTables.ts';
import { ablationTable, controlTable, mainTable } from './mainTable.ts';
import { page } from './page.ts';
import { plots } from './plots.ts';
import { glossary, provenance } from './provenance.ts';
import { side, verdictOf } from './verdict.ts';

/** The whole page. */
export function renderReport(result: EvaluationResult): string {
  const { recognizers, warnings } = result;
  const evaluated = result.corpora.find(({ role }) => role === 'evaluated');
  return page({
    title: `posecast evaluate: ${evaluated?.path ?? ''}`,
    stamp: stampOf(result),
    body: html`<header class="top"><h1>Are the variants worth training on? ${evaluated?.path}, ${String(result.protocol.evaluatedSubjects)} people</h1>
${recognizers.map((recognizer) => verdictCards(result, recognizer))}
${warnings.map((warning) => html`<p class="warning">${warning}</p>`)}</header>
<main>${recognizers.map((recognizer) => recognizerSection(recognizer, recognizers.length > 1))}
${exampleSection(result)}
${provenance(result)}
${glossary()}
</main>`,
  });
}

/** What stands across the top of a page whose numbers must not be believed. */
function stampOf({ leakage, protocol }: EvaluationResult): Html | undefined {
  if (leakage.status === 'leaked') {
    const people = new Set(leakage.findings.map(({ corpus, subjectId }) => `${corpus}/${subjectId}`));
    const some = [...people].slice(0, 5).join(', ');
    return html`LEAKAGE: people of this evaluation were in the training<p>${String(people.size)} found (${some}${people.size > 5 ? ', …' : ''}). <span class="nowrap">--allow-leakage</span> let it go on: every gain below is optimistic and says nothing about new people.</p>`;
  }
  if (protocol.shuffledLabels) {
    return html`LABELS WERE SHUFFLED<p>A control: nothing may help here. A gain below is a fault of the evaluation.</p>`;
  }
  return undefined;
}

/** The best model in full; the verdicts on the others unfold. */
function verdictCards(result: EvaluationResult, recognizer: RecognizerResult): Html {
  const { rows, verdicts } = recognizer;
  const score = ({ rowId, bestRivalId }: Verdict, metric: 'ncm' | 'svmLinear') =>
    rows.find(({ id }) => id === (rowId ?? bestRivalId))?.metrics[metric]?.value ?? 0;
  const [best, ...others] = [...verdicts]
    .sort((a, b) => score(b, 'ncm') - score(a, 'ncm') || score(b, 'svmLinear') - score(a, 'svmLinear'))
    .map((verdict) => verdictCard(result, recognizer, verdict));
  const rest =
    others.length === 0
      ? undefined
      : html`<details><summary>${counted(others.length, 'other model', 'other models')}, none of them better</summary>${others}</details>`;
  return html`${best}${rest}`;
}

function verdictCard(result: EvaluationResult, recognizer: RecognizerResult, verdict: Verdict): Html {
  const text = verdictOf(result, recognizer, verdict);
  const badge = text.postureNotUsed ? html`<span class="badge">posture not used</span>` : undefined;
  return html`<section class="verdict ${text.tone}"><p class="where">recogniser ${recognizer.name}</p><p class="headline">${text.headline}</p>${badge}
<ul>${text.sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>${text.tone === 'invalid' ? undefined : tiles(recognizer, verdict)}</section>`;
}

function tiles(recognizer: RecognizerResult, verdict: Verdict): Html {
  const row = recognizer.rows.find(({ id }) => id === (verdict.rowId ?? verdict.bestRivalId));
  const { ncm, eer, tar2, svmLinear } = row?.metrics ?? {};
  const gains = [
    { label: 'points NCM identification', difference: ncm?.difference, better: 1 },
    { label: 'points linear SVM', difference: svmLinear?.difference, better: 1 },
    { label: 'points equal error rate (lower is better)', difference: eer?.difference, better: -1 },
    { label: 'points true accepts at 1 % false', difference: tar2?.difference, better: 1 },
  ].flatMap(({ label, difference, better }) => {
    if (difference === undefined) return [];
    const where = side(difference) * better;
    const tone = where > 0 ? 'good' : where < 0 ? 'bad' : '';
    return [
      html`<div class="tile ${tone}"><b>${points(difference.value)}</b><span>${label} <span class="nowrap">${pointsRange(difference)}</span></span></div>`,
    ];
  });
  const gap = row?.oracleGapClosed ?? undefined;
  const closed =
    gap === undefined
      ? undefined
      : html`<div class="tile"><b>${percent(gap.value)}</b><span>of the way to the oracle <span class="nowrap">${percentRange(gap)}</span></span></div>`;
  return html`<div class="tiles">${gains}${closed}</div>`;
}

function recognizerSection(recognizer: RecognizerResult, named: boolean): Html {
  const of = named ? `: ${recognizer.name}` : '';
  const ablations = ablationTable(recognizer);
  const controls = controlTable(recognizer);
  const cost = costTable(recognizer);
  return html`<section><h2>Against every simple rival${of}</h2>
<p class="lead">A dot right of the line is better than no augmentation; the bar is its 95 % interval over people. A hollow dot cannot be told apart from none.</p>
${mainTable(recognizer)}${fullTables(recognizer)}
<h2>Where it helps and where not${of}</h2>${plots(recognizer)}
${ablations && html`<h2>What each part is worth${of}</h2><p class="lead">The model with one part taken away or spoiled. Where a row does as well as the whole model, that part does nothing.</p>${ablations}`}
${controls && html`<h2>What a mistake would look like${of}</h2><p class="lead">Rows that are wrong on purpose, such as a generator that has seen the people of the test. None of this is a gain.</p>${controls}`}
${cost && html`<h2>What it costs${of}</h2>${cost}`}
</section>`;
}
