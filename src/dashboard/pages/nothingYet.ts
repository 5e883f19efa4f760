import { type Html, html } from '../../shared/page/html.ts';
import type { RunSnapshot } from '../data/runSnapshot.ts';

/** What a section says while it has nothing to show: of a run with many commits they are still being read. */
export function nothingYet({ reading }: Pick<RunSnapshot, 'reading'>): Html {
  return html`<p class="empty">${reading ? 'The commits are being read.' : 'Nothing is committed yet.'}</p>`;
}
