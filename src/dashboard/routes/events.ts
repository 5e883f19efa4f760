/** Live numbers by server-sent events: what changed on a page since it was sent last. */
import type { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { RunSnapshot } from '../data/runWatch.ts';
import { count } from '../format.ts';
import { TABS } from '../pages/layout.ts';
import { stateClass } from '../pages/stateCard.ts';
import { liveParts, tableVersion } from './liveParts.ts';
import type { Served } from './served.ts';

/** Pages that are followed live at the same time. */
const MAX_FOLLOWERS = 100;

/** A line now and then, so that a proxy in between does not take the connection for dead. */
const HEARTBEAT_MS = 15_000;

export function addEvents(app: Hono, { board, allowActions }: Served): void {
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
        const parts = liveParts(view, tab, snapshot, allowActions);
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
}
