/** The frame of every HTML file that an evaluation writes. */
import { type Html, html } from '../../shared/page/html.ts';
import { STYLE } from './style.ts';

export interface Page {
  readonly title: string;
  /** Across the top, in red. */
  readonly stamp: Html | undefined;
  readonly body: Html;
}

/** A browser that honours the policy could not fetch anything even if a hole were found in the escaping. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

export function page({ title, stamp, body }: Page): string {
  // The style sheet is a constant of this package and holds no '<'.
  const head = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>${title}</title><style>`;
  const rest = html`</style></head><body>
${stamp && html`<div class="stamp" role="alert">${stamp}</div>`}${body}
</body></html>
`;
  return `${head.markup}${STYLE}${rest.markup}`;
}
