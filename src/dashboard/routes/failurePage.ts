/** The page that says why there is no other. */
import type { Context } from 'hono';
import { html } from '../../shared/page/html.ts';
import { printable } from '../../shared/text/printable.ts';
import { layout, type Site } from '../pages/layout.ts';

export function failurePage(
  c: Context,
  site: Site,
  status: 400 | 404 | 409 | 500,
  title: string,
  text: string,
): Response {
  return c.html(
    layout({
      site,
      title: `posecast: ${title}`,
      body: html`<h2>${title}</h2><p>${printable(text)}</p><p><a href="/">To the run page</a></p>`,
    }),
    status,
  ) as Response;
}
