/** All runs that the dashboard shows; with only one, that one's page. */
import type { Hono } from 'hono';
import { html } from '../../shared/page/html.ts';
import { printable } from '../../shared/text/printable.ts';
import { layout, runPath } from '../pages/layout.ts';
import { stateCard, stateClass } from '../pages/stateCard.ts';
import type { Served } from './served.ts';

export function addRunList(app: Hono, { board, site }: Served): void {
  app.get('/', async (c) => {
    await board.refresh();
    const views = board.views();
    const [only] = views;
    if (views.length === 1 && only !== undefined && board.unreadable().length === 0) {
      return c.redirect(runPath(only.run.runId), 303);
    }
    const cards = await Promise.all(
      views.map(async ({ run, watch }) => {
        const snapshot = await watch.fresh();
        return html`<section class="${stateClass(snapshot)}"><p><a href="${runPath(run.runId)}">run ${run.runId}</a></p>${stateCard(watch.store.uri, snapshot, undefined)}</section>`;
      }),
    );
    const unreadable = board
      .unreadable()
      .map(
        ({ runId, reason }) =>
          html`<section class="state"><p>run ${runId}</p><p class="empty">cannot be shown: ${printable(reason)}</p></section>`,
      );
    const trouble = board.trouble();
    const none = cards.length + unreadable.length === 0;
    const note =
      trouble !== undefined
        ? html`<p class="empty">Redis at ${board.link?.label} does not say which runs there are${none ? undefined : '; these are from before'}: ${printable(trouble)}.</p>`
        : none
          ? html`<p class="empty">Redis knows no run that is not finished. Name the OUT of a run to see it.</p>`
          : undefined;
    const body = html`<div class="runs">${cards}${unreadable}</div>${note}`;
    return c.html(layout({ site: site(), title: 'posecast: runs', body }));
  });
}
