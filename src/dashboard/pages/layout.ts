/** The frame of every page of the dashboard. */

import { type Html, html } from '../../shared/page/html.ts';
import { count } from '../../shared/text/counted.ts';

/** Where the pages lie, and what the reader may do there. */
export interface Site {
  /** Version of the style sheet and the script, part of their addresses. */
  readonly assets: string;
  readonly runs: number;
  readonly allowActions: boolean;
  /** A Redis was named: there is a page of its queues. */
  readonly queues: boolean;
}

export const TABS = ['overview', 'shards', 'rejects', 'people'] as const;
export type Tab = (typeof TABS)[number];

export interface Frame {
  readonly site: Site;
  readonly title: string;
  readonly body: Html;
  /** Of a run's page. */
  readonly run?: {
    readonly id: string;
    readonly tab: Tab;
    readonly rejects: number;
    readonly shards: number;
  };
}

export function runPath(id: string, tab: Tab = 'overview'): string {
  return `/runs/${id}/${tab === 'overview' ? '' : tab}`;
}

export function layout({ site, title, body, run }: Frame): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="robots" content="noindex"><title>${title}</title><link rel="icon" href="/assets/icon.svg" type="image/svg+xml"><link rel="stylesheet" href="/assets/dashboard.css?${site.assets}"><script type="module" src="/assets/dashboard.js?${site.assets}"></script></head>
<body${run ? html` data-events="/runs/${run.id}/events" data-tab="${run.tab}"` : undefined}>
<header class="top"><h1><a href="/">posecast</a>${run ? html` · run ${run.id}` : undefined}</h1>${navigation(site, run)}</header>
<main>${body}</main>
<div class="offline" role="status" hidden>The dashboard does not answer. What is shown is from before; trying again …</div>
</body></html>
`.markup;
}

function navigation(site: Site, run: Frame['run']): Html {
  const link = (tab: Tab, text: string, number?: number): Html =>
    html`<a href="${runPath(run?.id ?? '', tab)}"${run?.tab === tab ? html` aria-current="page"` : undefined}>${text}${number === undefined ? undefined : html` <span class="count" data-count="${tab}">${count(number)}</span>`}</a>`;
  const tabs = run && [
    link('overview', 'Overview'),
    link('shards', 'Shards', run.shards),
    link('rejects', 'Rejects', run.rejects),
    link('people', 'People'),
  ];
  return html`<nav aria-label="Pages">${site.runs > 1 ? html`<a href="/"${run ? undefined : html` aria-current="page"`}>Runs</a>` : undefined}${tabs}${site.queues ? html`<a href="/queues">Queue</a>` : undefined}</nav>`;
}

/**
 * Where in a list one is, and links to its pages. @param start first item shown, from 0; @param href of a 0-based page.
 */
export function pager(
  start: number,
  items: number,
  size: number,
  href: (page: number) => string,
): Html | undefined {
  if (start === 0 && items <= size) return undefined;
  const end = Math.min(items, start + size);
  const link = (to: number, text: string, rel?: string): Html =>
    html`<a href="${href(to)}"${rel === undefined ? undefined : html` rel="${rel}"`}>${text}</a>`;
  // A list that begins within a page has neighbours on that page and on the next: nobody is passed over.
  const before = [link(0, 'First'), link(Math.ceil(start / size) - 1, '‹ Previous', 'prev')];
  const after = [
    link(Math.floor(start / size) + 1, 'Next ›', 'next'),
    link(Math.ceil(items / size) - 1, 'Last'),
  ];
  return html`<p class="pager">${start > 0 ? before : undefined}<span>${count(start + 1)}–${count(end)} of ${count(items)}</span>${end < items ? after : undefined}</p>`;
}
