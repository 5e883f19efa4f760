/** Changing a run from its page, where the dashboard was started with `--allow-actions`. */
import type { Hono } from 'hono';
import { ConfigError } from '../../shared/errors.ts';
import { type Action, runAction } from '../actions.ts';
import { checkOrigin } from '../guard.ts';
import { runPath } from '../pages/layout.ts';
import { failurePage } from './failurePage.ts';
import type { Served } from './served.ts';

export function addActions(app: Hono, { board, site }: Served): void {
  app.post('/runs/:run/actions/:action', checkOrigin(), async (c) => {
    const view = board.view(c.req.param('run'));
    const action = c.req.param('action');
    if (view === undefined || !isAction(action)) return c.notFound();
    let notice: string | undefined;
    try {
      notice = await runAction(action, view.run, view.watch.store, board, c.req.raw.signal);
    } catch (error) {
      // The page was older than the run.
      if (error instanceof ConfigError)
        return failurePage(c, site(), 409, 'That cannot be done', error.message);
      throw error;
    }
    await view.watch.lookNow();
    if (notice !== undefined) return failurePage(c, site(), 500, 'That was done only in part', notice);
    return c.redirect(runPath(view.run.runId), 303);
  });
}

function isAction(text: string): text is Action {
  return text === 'pause' || text === 'resume' || text === 'retry-failed';
}
