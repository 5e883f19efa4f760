/** The pages of a run: query parsed, numbers of the moment, body. */
import type { Context, Hono } from 'hono';
import type { z } from 'zod';
import type { Html } from '../../shared/page/html.ts';
import { html } from '../../shared/page/html.ts';
import { choosePeople } from '../data/chosenPeople.ts';
import { clampPage } from '../data/pages.ts';
import { countRejects, rejectsPage } from '../data/rejects.ts';
import type { RunSnapshot } from '../data/runSnapshot.ts';
import { shardPage, shardSource } from '../data/shardTable.ts';
import { layout, type Tab } from '../pages/layout.ts';
import { overviewBody } from '../pages/overview.ts';
import { pageTitle } from '../pages/pageTitle.ts';
import { PEOPLE_A_PAGE, peopleBody } from '../pages/people.ts';
import { REJECTS_A_PAGE, rejectsBody } from '../pages/rejects.ts';
import { shardsBody } from '../pages/shards.ts';
import { stateCard, stateClass } from '../pages/stateCard.ts';
import { peopleQuery, rejectsQuery, shardsQuery } from '../query.ts';
import type { RunView } from '../runView.ts';
import { failurePage } from './failurePage.ts';
import { actionForms, overviewPartsOf, tableVersion } from './liveParts.ts';
import type { Served } from './served.ts';

export function addRunPages(app: Hono, { board, site, allowActions }: Served): void {
  const pageOf = (c: Context, view: RunView, tab: Tab, snapshot: RunSnapshot, body: Html) => {
    const { run, watch } = view;
    return c.html(
      layout({
        site: site(),
        title: pageTitle(snapshot, run.runId),
        run: { id: run.runId, tab, rejects: snapshot.counters.rejected, shards: snapshot.shardsTotal },
        body: html`<section id="state" class="${stateClass(snapshot)}" aria-label="State of the run">${stateCard(watch.store.uri, snapshot, actionForms(snapshot, allowActions))}</section>${body}`,
      }),
    );
  };
  /** A page of a run, with the query parsed and the numbers of the moment. */
  const runPage = <Q>(
    tab: Tab,
    schema: z.ZodType<Q> | undefined,
    body: (view: RunView, query: Q, snapshot: RunSnapshot) => Html | Promise<Html>,
  ): void => {
    const path = tab === 'overview' ? '/runs/:run/' : `/runs/:run/${tab}`;
    app.get(path, async (c) => {
      const view = board.view(c.req.param('run') ?? '');
      if (view === undefined) return c.notFound();
      const query = tab === 'people' ? peopleFields(c) : c.req.query();
      const parsed = schema?.safeParse(query);
      if (parsed?.success === false) {
        return failurePage(
          c,
          site(),
          400,
          'That was not understood',
          'Expected an address as the links of these pages have it.',
        );
      }
      const snapshot = await view.watch.fresh();
      // OUT holds another run by now.
      if (board.view(view.run.runId) !== view) return c.redirect('/', 303);
      return pageOf(c, view, tab, snapshot, await body(view, parsed?.data as Q, snapshot));
    });
  };

  runPage('overview', undefined, (view, _query, snapshot) => overviewBody(overviewPartsOf(view, snapshot)));
  runPage('shards', shardsQuery, ({ watch }, query) =>
    shardsBody(watch, query, shardPage(shardSource(watch), query), tableVersion(watch)),
  );
  runPage('rejects', rejectsQuery, async ({ watch, files }, { code, page: asked }) => {
    const found = countRejects(watch.log, code);
    const page = clampPage(asked, found, REJECTS_A_PAGE);
    const faces = await rejectsPage(watch.log, files, code, page * REJECTS_A_PAGE, REJECTS_A_PAGE);
    return rejectsBody(watch, { code, page, found, faces, version: tableVersion(watch) });
  });
  runPage('people', peopleQuery, async (view, { show, find, page: asked }) => {
    const { run, people } = view;
    const found = await people.count();
    const search = find === undefined || find === '' ? undefined : find;
    const position = search === undefined ? undefined : await people.positionOf(search);
    // Who was searched for stands first; where no name comes after it, the last page.
    const start =
      position !== undefined && position < found
        ? position
        : clampPage(position === undefined ? asked : found, found, PEOPLE_A_PAGE) * PEOPLE_A_PAGE;
    const [rows, { chosen, projection }] = await Promise.all([
      people.page(start, PEOPLE_A_PAGE),
      choosePeople(view, show),
    ]);
    return peopleBody({
      runId: run.runId,
      config: run.config,
      people: rows,
      start,
      found,
      search,
      chosen,
      projection,
    });
  });
}

function peopleFields(c: Context): Record<string, unknown> {
  return { ...c.req.query(), show: c.req.queries('show') };
}
