/** How the report was made: enough to make it again, and to see what was left out. */

import { type Html, html } from '../../shared/page/html.ts';
import { count, counted } from '../../shared/text/counted.ts';
import { METRIC_NAMES, METRICS } from '../metrics.ts';
import type { CorpusCounts, EvaluationResult, Protocol } from '../result.ts';
import { degrees, duration, listed } from './format.ts';

export function provenance(result: EvaluationResult): Html {
  const { corpora, protocol, recognizers } = result;
  return html`<h2>How this was made</h2><dl>
<dt>command</dt><dd><code>${result.command}</code></dd>
<dt>posecast</dt><dd>${result.posecastVersion}, ${result.finishedAt}, ${duration(result.seconds)}</dd>
${corpora.map((corpus) => html`<dt>${corpus.role}</dt><dd>${describeCorpus(corpus)}</dd>`)}
<dt>recognisers</dt><dd>${listed(recognizers.map(({ name, embedDim }) => `${name} (${embedDim} values)`))}; detector ${protocol.detector}</dd>
<dt>people</dt><dd>${describePeople(protocol)}</dd>
<dt>probes</dt><dd>${describeProbes(protocol)}</dd>
${describePairs(protocol)}
<dt>intervals</dt><dd>95 %, bootstrap over people, ${String(protocol.resamples)} resamples; differences are paired by person; seed ${String(protocol.seed)}</dd>
<dt>leakage</dt><dd>${describeLeakage(result)}</dd>
</dl>`;
}

function describeCorpus(corpus: CorpusCounts): Html {
  const rejected = Object.entries(corpus.rejected)
    .sort((a, b) => b[1] - a[1])
    .map(([code, count]) => `${count} ${code}`);
  const leftOut = corpus.subjectsLeftOut;
  return html`<code>${corpus.path}</code>: ${counted(corpus.subjects, 'person', 'people')}, ${count(corpus.usable)} of ${counted(corpus.photographs, 'photograph', 'photographs')} usable${rejected.length > 0 ? ` (rejected: ${listed(rejected)})` : ''}; pose from the ${corpus.poseFrom}${leftOut.length > 0 ? `; left out, too few usable photographs: ${listed(leftOut)}` : ''}`;
}

function describePeople(protocol: Protocol): string {
  return `${count(protocol.evaluatedSubjects)} evaluated in ${counted(protocol.folds, 'fold', 'folds')} that share nobody, ${counted(protocol.seeds, 'seed', 'seeds')}; ${count(protocol.classes)} classes with the distractors; ${counted(protocol.enrol, 'enrolment photograph', 'enrolment photographs')} each (median |yaw| ${degrees(protocol.enrolYaw)}); ${counted(protocol.variants, 'variant', 'variants')} each, targets at yaw ${degrees(protocol.targetYaw[0])} to ${degrees(protocol.targetYaw[1])}`;
}

function describeProbes({ probes, probeCount, probeYaw }: Protocol): string {
  const rule =
    probes.rule === 'most-turned'
      ? `the ${probes.count} most turned of each person`
      : `all beyond ${degrees(probes.degrees)}`;
  return `${probeCount} photographs, ${rule}; median |yaw| ${degrees(probeYaw)}`;
}

/** Without the task nobody counted pairs. */
function describePairs({ tasks, genuinePairs, impostorPairs }: Protocol): Html | undefined {
  if (!tasks.includes('verification')) return undefined;
  return html`<dt>verification</dt><dd>${String(genuinePairs)} genuine and ${String(impostorPairs)} impostor pairs of one seed</dd>`;
}

function describeLeakage({ leakage }: EvaluationResult): string {
  const models = leakage.models.map(
    ({ model, trainingSubjects, checkedBy }) =>
      `${model}: ${counted(trainingSubjects, 'training person', 'training people')}, compared by ${checkedBy.length > 0 ? listed(checkedBy) : 'nothing: its card has no records'}`,
  );
  const findings = leakage.findings.map(
    ({ model, corpus, subjectId, foundBy }) => `${corpus}/${subjectId} in ${model} by ${listed(foundBy)}`,
  );
  switch (leakage.status) {
    case 'clean':
      return `nobody of this evaluation is in the training of a model (${models.join('; ')})`;
    case 'leaked':
      return `${findings.join('; ')} (${models.join('; ')})`;
    case 'not-checked':
      return 'not checked: no model was given';
  }
}

/** What the words of the tables mean. */
export function glossary(): Html {
  return html`<details><summary>What the words mean</summary><dl>
<dt>none</dt><dd>the enrolment photographs alone: what every method is compared with</dd>
<dt>variant</dt><dd>a generated embedding of a person at a posture that was not photographed</dd>
<dt>point</dt><dd>percentage point</dd>
<dt>interval</dt><dd>were other people of the same kind evaluated, the true value would lie inside in 95 of 100 cases; a difference whose interval does not touch zero is not by chance</dd>
<dt>▲ ▼ ·</dt><dd>better than none, worse, cannot be told apart, by the interval of the paired difference</dd>
<dt>oracle</dt><dd>the person's own real photographs at the probes' angles, which nobody has: the bound</dd>
${METRIC_NAMES.map((name) => html`<dt>${METRICS[name].label}</dt><dd>${METRICS[name].meaning}; ${METRICS[name].better} is better</dd>`)}
</dl></details>`;
}
