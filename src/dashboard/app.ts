/** What the dashboard answers: who is let in, and which routes there are. */
import { Hono } from 'hono';
import { describeError, PosecastError } from '../shared/errors.ts';
import { loadAssets } from './assets.ts';
import type { Board } from './board.ts';
import { allowedNames, checkHost, checkToken, securityHeaders } from './guard.ts';
import { runPath, type Site } from './pages/layout.ts';
import { TOKEN_PAGE, TOKEN_PAGE_POLICY } from './pages/tokenPage.ts';
import { addActions } from './routes/actions.ts';
import { addEvents } from './routes/events.ts';
import { failurePage } from './routes/failurePage.ts';
import { addRunList } from './routes/runList.ts';
import { addRunPages } from './routes/runPages.ts';
import type { Served } from './routes/served.ts';
import { addThumbnails } from './routes/thumbnails.ts';

const QUEUES_PATH = '/queues';

export interface AppOptions {
  readonly board: Board;
  readonly host: string;
  readonly token: string | undefined;
  /** Further names under which it is asked for. */
  readonly allowHosts: readonly string[];
  readonly allowActions: boolean;
  readonly warn: (line: string) => void;
}

export async function dashboardApp(options: AppOptions): Promise<Hono> {
  const { board, allowActions } = options;
  const assets = await loadAssets();
  // bull-board is loaded only where there is a queue to show.
  const queues = board.link && (await import('./queues.ts')).openQueuesPage(board.link, QUEUES_PATH);
  const site = (): Site => ({
    assets: assets.version,
    runs: board.views().length + board.unreadable().length,
    allowActions,
    queues: queues !== undefined,
  });
  const served: Served = { board, allowActions, site };
  const app = new Hono();
  app.use(securityHeaders());
  app.use(checkHost(allowedNames(options.host, options.allowHosts)));
  app.use(
    checkToken(options.token, (c) =>
      c.html(TOKEN_PAGE, 401, { 'Content-Security-Policy': TOKEN_PAGE_POLICY, 'WWW-Authenticate': 'Bearer' }),
    ),
  );
  app.onError((error, c) => {
    // What the store or a damaged file says is no bug, and is worth showing; anything else is told where it was
    // started.
    if (!(error instanceof PosecastError)) options.warn(`dashboard: ${describeError(error)}`);
    return failurePage(c, site(), 500, 'This page cannot be shown', describeError(error));
  });
  app.notFound((c) =>
    failurePage(c, site(), 404, 'There is nothing here', 'Perhaps the run is not shown by this dashboard.'),
  );

  app.get('/assets/:name', (c) => {
    const asset = assets.files.get(c.req.param('name'));
    if (asset === undefined) return c.notFound();
    return c.body(asset.body, 200, { 'Content-Type': asset.type, 'Cache-Control': 'private, max-age=86400' });
  });

  addRunList(app, served);
  addRunPages(app, served);
  addThumbnails(app, board);
  addEvents(app, served);
  app.get('/runs/:run', (c) => {
    const run = c.req.param('run');
    return board.view(run) === undefined ? c.notFound() : c.redirect(runPath(run), 303);
  });
  if (allowActions) addActions(app, served);
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
