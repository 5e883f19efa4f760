/** Changing a run from its page, where the dashboard was started with `--allow-actions`. */
import type { Hono } from 'hono';
import { type Action, runAction } from '../actions.ts';
import type { Board } from '../board.ts';
import { checkOrigin } from '../guard.ts';
import { runPath } from '../pages/layout.ts';

export function addActions(app: Hono, board: Board): void {
  app.post('/runs/:run/actions/:action', checkOrigin(), async (c) => {
    const view = board.view(c.req.param('run'));
    const action = c.req.param('action');
    if (view === undefined || !isAction(action)) return c.notFound();
    await runAction(action, view.run, view.watch.store, board.link, c.req.raw.signal);
    await view.watch.lookNow();
    return c.redirect(runPath(view.run.runId), 303);
  });
}

function isAction(text: string): text is Action {
  return text === 'pause' || text === 'resume' || text === 'retry-failed';
}
