/** The server of `posecast dashboard`: pages, live numbers, thumbnails, and bull-board. */
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { createAdaptorServer, type ServerType } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { z } from 'zod';
import { ConfigError, describeError, PosecastError } from '../shared/errors.ts';
import { type Html, html } from '../shared/page/html.ts';
import { printable } from '../shared/printable.ts';
import { type Action, runAction } from './actions.ts';
import { loadAssets, noPicture } from './assets.ts';
import type { Board } from './board.ts';
import { clampPage } from './data/pages.ts';
import { countRejects, rejectsPage } from './data/rejects.ts';
import type { RunSnapshot } from './data/runWatch.ts';
import { shardPage } from './data/shardTable.ts';
import { count } from './format.ts';
import { allowedNames, checkHost, checkOrigin, checkToken, securityHeaders } from './guard.ts';
import { layout, runPath, type Site, TABS, type Tab } from './pages/layout.ts';
import { overviewBody, overviewParts, stateCard, stateClass } from './pages/overview.ts';
import { PEOPLE_A_PAGE, peopleBody } from './pages/people.ts';
import { REJECTS_A_PAGE, rejectsBody } from './pages/rejects.ts';
import { shardMap, shardsBody } from './pages/shards.ts';
import { TOKEN_PAGE, TOKEN_PAGE_POLICY } from './pages/tokenPage.ts';
import { peopleQuery, rejectsQuery, shardsQuery, thumbnailParams } from './query.ts';
import { choosePeople, type RunView } from './runView.ts';

const QUEUES_PATH = '/queues';

/** Pages that are followed live at the same time. */
const MAX_FOLLOWERS = 100;

/** A line now and then, so that a proxy in between does not take the connection for dead. */
const HEARTBEAT_MS = 15_000;

export interface DashboardOptions {
  readonly board: Board;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly token: string | undefined;
  /** Further names under which it is asked for. */
  readonly allowHosts: readonly string[];
  readonly allowActions: boolean;
  readonly warn: (line: string) => void;
}

export interface Dashboard {
  /** Without the token. */
  readonly url: string;
  close(): Promise<void>;
}

/** @throws ConfigError when the port cannot be had. */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const app = await dashboardApp(options);
  const server = createAdaptorServer({ fetch: app.fetch });
  const port = await listen(server, options);
  // Every address of the machine: its name is one that others can use.
  const reached = ['0.0.0.0', '::'].includes(options.host) ? hostname() : options.host;
  const host = reached.includes(':') ? `[${reached}]` : reached;
  return {
    url: `http://${host}:${port}/`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      if ('closeAllConnections' in server) server.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: ServerType, { host, port }: DashboardOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const facts = { host, port, found: error.code };
      reject(
        new ConfigError(
          'no-port',
          'dashboard: expected an address and port of this machine that are free; --port 0 takes any',
          facts,
        ),
      );
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

type Part = Record<string, Html>;

async function dashboardApp(options: DashboardOptions): Promise<Hono> {
  const { board } = options;
  const assets = await loadAssets();
  // bull-board is loaded only where there is a queue to show.
  const queues = board.link && (await import('./queues.ts')).openQueuesPage(board.link, QUEUES_PATH);
  const site = (): Site => ({
    assets: assets.version,
    runs: board.views().length + board.unreadable().length,
    allowActions: options.allowActions,
    queues: queues !== undefined,
  });
  const app = new Hono();
  app.use(securityHeaders());
  app.use(checkHost(allowedNames(options.host, options.allowHosts)));
  app.use(
    checkToken(options.token, (c) =>
      c.html(TOKEN_PAGE, 401, { 'Content-Security-Policy': TOKEN_PAGE_POLICY, 'WWW-Authenticate': 'Bearer' }),
    ),
  );
  app.onError((error, c) => {
    // What the store or a damaged file says is no bug, and is worth showing; anything else is told where it was started.
    if (!(error instanceof PosecastError)) options.warn(`dashboard: ${describeError(error)}`);
    return failurePage(c, 500, 'This page cannot be shown', describeError(error));
  });
  app.notFound((c) =>
    failurePage(c, 404, 'There is nothing here', 'Perhaps the run is not shown by this dashboard.'),
  );
  const failurePage = (c: Context, status: 400 | 404 | 500, title: string, text: string) =>
    c.html(
      layout({
        site: site(),
        title: `posecast: ${title}`,
        body: html`<h2>${title}</h2><p>${printable(text)}</p><p><a href="/">To the run page</a></p>`,
      }),
      status,
    );

  app.get('/assets/:name', (c) => {
    const asset = assets.files.get(c.req.param('name'));
    if (asset === undefined) return c.notFound();
    return c.body(asset.body, 200, { 'Content-Type': asset.type, 'Cache-Control': 'private, max-age=86400' });
  });

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
    const body = html`<div class="runs">${cards}${unreadable}</div>${cards.length + unreadable.length === 0 ? html`<p class="empty">Redis knows no run that is not finished. Name the OUT of a run to see it.</p>` : undefined}`;
    return c.html(layout({ site: site(), title: 'posecast: runs', body }));
  });

  const pageOf = (c: Context, view: RunView, tab: Tab, snapshot: RunSnapshot, body: Html) => {
    const { run, watch } = view;
    return c.html(
      layout({
        site: site(),
        title: `${titleOf(snapshot)} · posecast ${run.runId}`,
        run: { id: run.runId, tab, rejects: snapshot.counters.rejected, shards: snapshot.shardsTotal },
        body: html`<section id="state" class="${stateClass(snapshot)}" aria-label="State of the run">${stateCard(watch.store.uri, snapshot, actionsOf(snapshot))}</section>${body}`,
      }),
    );
  };
  const actionsOf = (snapshot: RunSnapshot): Html | undefined =>
    options.allowActions ? actionForms(snapshot) : undefined;

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
          400,
          'That was not understood',
          'Expected an address as the links of these pages have it.',
        );
      }
      const snapshot = await view.watch.fresh();
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
    const page = clampPage(
      position === undefined ? asked : Math.floor(position / PEOPLE_A_PAGE),
      found,
      PEOPLE_A_PAGE,
    );
    // What was searched for stands first.
    const start = position === undefined ? page * PEOPLE_A_PAGE : Math.min(position, Math.max(0, found - 1));
    const [rows, { chosen, projection }] = await Promise.all([
      people.page(start, PEOPLE_A_PAGE),
      choosePeople(view, show),
    ]);
    return peopleBody({ runId: run.runId, people: rows, page, found, search, chosen, projection });
  });
  app.get('/runs/:run', (c) => c.redirect(runPath(c.req.param('run')), 303));

  app.get('/runs/:run/thumbnails/:shard/:row', async (c) => {
    const view = board.view(c.req.param('run'));
    const parsed = thumbnailParams.safeParse(c.req.param());
    if (view === undefined || !parsed.success) return c.notFound();
    const { shard, row } = parsed.data;
    if (!view.watch.log.has(shard)) return c.notFound();
    const face = (await view.files.listing(shard))[row];
    if (face === undefined) return c.notFound();
    const picture = await view.thumbnails.of(`${shard}/${row}`, face);
    // A face's picture does not change under a reader's eyes; browsers keep it as long as the page is open.
    const headers = { 'Cache-Control': 'private, max-age=600' };
    return picture.status === 'ok'
      ? c.body(picture.webp as Uint8Array<ArrayBuffer>, 200, { ...headers, 'Content-Type': 'image/webp' })
      : c.body(noPicture(picture.word), 200, { ...headers, 'Content-Type': 'image/svg+xml' });
  });

  let followers = 0;
  app.get('/runs/:run/events', (c) => {
    const view = board.view(c.req.param('run'));
    const tab = TABS.find((one) => one === c.req.query('tab'));
    if (view === undefined || tab === undefined) return c.notFound();
    if (followers >= MAX_FOLLOWERS) return c.text('Too many pages are open.\n', 503);
    followers++;
    return streamSSE(c, async (stream) => {
      const gone = new Promise<void>((resolve) => stream.onAbort(resolve));
      let sent: Readonly<Record<string, string>> = {};
      let writing = Promise.resolve();
      const send = (snapshot: RunSnapshot): void => {
        const parts = livePart(view, tab, snapshot, actionsOf(snapshot));
        const texts = Object.fromEntries(Object.entries(parts).map(([id, part]) => [id, part.markup]));
        const changed = Object.entries(texts).filter(([id, text]) => sent[id] !== text);
        sent = texts;
        const data = JSON.stringify({
          now: snapshot.at,
          parts: Object.fromEntries(changed),
          classes: { state: stateClass(snapshot) },
          counts: { rejects: count(snapshot.counters.rejected), shards: count(snapshot.shardsTotal) },
          table: tableVersion(view.watch),
        });
        // In order; what cannot be written any more is told by `onAbort`.
        writing = writing.then(() => stream.writeSSE({ event: 'parts', data })).catch(() => undefined);
      };
      const stop = view.watch.listen(send);
      // At once: the next look may be a minute away.
      send(view.watch.snapshot);
      const heartbeat = setInterval(() => {
        writing = writing.then(() => stream.write(': \n\n').then(() => undefined)).catch(() => undefined);
      }, HEARTBEAT_MS);
      await gone;
      clearInterval(heartbeat);
      stop();
      followers--;
    });
  });

  if (options.allowActions) {
    app.post('/runs/:run/actions/:action', checkOrigin(), async (c) => {
      const view = board.view(c.req.param('run'));
      const action = c.req.param('action');
      if (view === undefined || !isAction(action)) return c.notFound();
      await runAction(action, view.run, view.watch.store, board.link, c.req.raw.signal);
      await view.watch.lookNow();
      return c.redirect(runPath(view.run.runId), 303);
    });
  }

  if (queues !== undefined) {
    app.use(`${QUEUES_PATH}/*`, async (_c, next) => {
      await board.refresh();
      for (const { run } of board.views()) queues.add(run.runId);
      return next();
    });
    app.get(`${QUEUES_PATH}/`, (c) => c.redirect(QUEUES_PATH, 303));
    app.route(QUEUES_PATH, queues.app);
  }
  return app;
}

function peopleFields(c: Context): Record<string, unknown> {
  return { ...c.req.query(), show: c.req.queries('show') };
}

function isAction(text: string): text is Action {
  return text === 'pause' || text === 'resume' || text === 'retry-failed';
}

function shardSource({ log, shards, snapshot }: RunView['watch']) {
  const { redis, failed } = snapshot;
  return {
    log,
    shards,
    inWork: new Set(redis.status === 'answers' ? redis.queue.inWork.map(({ shard }) => shard) : []),
    failed: new Set(failed.shards),
  };
}

/** Parts of the page of this tab that are replaced while one looks. */
function livePart(view: RunView, tab: Tab, snapshot: RunSnapshot, actions: Html | undefined): Part {
  const { watch } = view;
  const state = { state: stateCard(watch.store.uri, snapshot, actions) };
  switch (tab) {
    case 'overview':
      return { ...state, ...overviewPartsOf(view, snapshot) };
    case 'shards': {
      const { log, shards, failed, inWork } = shardSource(watch);
      return { ...state, map: shardMap(log, shards, [...failed], inWork) };
    }
    case 'rejects':
    case 'people':
      return state;
  }
}

function overviewPartsOf({ run, watch, coverage, examples }: RunView, snapshot: RunSnapshot): Part {
  return overviewParts(run, watch.store.uri, snapshot, watch.log.workers, coverage(), examples());
}

/** Changes when the tables of the run's pages do. */
function tableVersion({ log, shards, snapshot }: RunView['watch']): string {
  const { failed, redis } = snapshot;
  const inWork =
    redis.status === 'answers' ? redis.queue.inWork.map(({ shard }) => shard).sort((a, b) => a - b) : [];
  return `${log.version}/${shards.numbers}/${failed.shards.length}/${inWork.join(',')}`;
}

function titleOf(snapshot: RunSnapshot): string {
  const share = Math.floor((100 * snapshot.counters.faces) / snapshot.facesTotal);
  return snapshot.state === 'complete'
    ? 'complete'
    : `${share} % ${snapshot.state === 'unknown' ? 'done' : snapshot.state}`;
}

function actionForms({ state, failed }: RunSnapshot): Html {
  // Relative to the pages of a run, which all lie in one folder.
  const button = (action: Action, text: string): Html =>
    html`<form method="post" action="actions/${action}"><button>${text}</button></form>`;
  if (state === 'complete' || state === 'finishing') return html``;
  return html`<div class="actions">${state === 'paused' ? button('resume', 'Resume') : button('pause', 'Pause')}${failed.shards.length > 0 ? button('retry-failed', 'Retry failed shards') : undefined}</div>`;
}
