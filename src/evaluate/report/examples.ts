/** Photographs behind the numbers: who was enrolled how, who was asked about, for whom they were taken. */

import { type Html, html } from '../../shared/page/html.ts';
import type { EvaluationResult, Example } from '../result.ts';
import { degrees } from './format.ts';

/** Undefined without examples. */
export function exampleSection({ examples }: Pick<EvaluationResult, 'examples'>): Html | undefined {
  if (examples.length === 0) return undefined;
  const groups = [...new Set(examples.map(({ group }) => group))];
  return html`<h2>Examples</h2><p class="lead">The photographs themselves, as they were aligned.</p>${groups.map(
    (group) =>
      html`<h3>${group}</h3><div class="examples">${examples.filter((one) => one.group === group).map(drawExample)}</div>`,
  )}`;
}

function drawExample({ subjectId, caption, pictures }: Example): Html {
  const drawn = pictures.map(
    ({ role, yaw, jpeg }) =>
      html`<figure><img alt="${role} of ${subjectId}, yaw ${degrees(yaw)}" src="data:image/jpeg;base64,${jpeg}"><figcaption>${role}, ${degrees(yaw)}</figcaption></figure>`,
  );
  return html`<div class="example"><div class="pictures">${drawn}</div><p class="small">${caption === '' ? subjectId : caption}</p></div>`;
}
