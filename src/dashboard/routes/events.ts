/** Live numbers by server-sent events: what changed on a page since it was sent last. */
import type { Hono } from 'hono';
import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import { createInterruptibleWait } from '../../shared/async/interruptibleWait.ts';
import { count } from '../../shared/text/counted.ts';
import { TABS, type Tab } from '../pages/layout.ts';
import { pageTitle } from '../pages/pageTitle.ts';
import { stateClass } from '../pages/stateCard.ts';
import type { RunView } from '../runView.ts';
import { liveParts, tableVersion } from './liveParts.ts';
import type { Served } from './served.ts';

/** Pages that are followed live at the same time. */
const MAX_FOLLOWERS = 100;

/** A line now and then, so that a proxy in between does not take the connection for dead. */
const HEARTBEAT_MS = 15_000;

/** Whoever has read nothing for so long, in milliseconds, is let go: its page asks again when it is awake. */
const WRITE_MS = 60_000;

export function addEvents(app: Hono, { board, allowActions }: Served): void {
  let followers = 0;
  app.get('/runs/:run/events', (c) => {
    const view = board.view(c.req.param('run'));
    const tab = TABS.find((one) => one === c.req.query('tab'));
    if (view === undefined || tab === undefined) return c.notFound();
    // Its body would be dropped, and nobody would ever say that nothing more is read.
    if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': 'text/event-stream' });
    if (followers >= MAX_FOLLOWERS) return c.text('Too many pages are open.\n', 503);
    followers++;
    return streamSSE(c, (stream) =>
      follow(stream, view, tab, allowActions).finally(() => {
        followers--;
      }),
    );
  });
}

/** Returns when nobody reads any more. Only the newest numbers wait for a slow reader. */
async function follow(
  stream: SSEStreamingApi,
  view: RunView,
  tab: Tab,
  allowActions: boolean,
): Promise<void> {
  const { watch } = view;
  const gone = new AbortController();
  stream.onAbort(() => gone.abort());
  let sent: Readonly<Record<string, string>> = {};
  const news = (): string => {
    const { snapshot } = watch;
    const parts = liveParts(view, tab, snapshot, allowActions);
    const texts = Object.fromEntries(Object.entries(parts).map(([id, part]) => [id, part.markup]));
    const changed = Object.entries(texts).filter(([id, text]) => sent[id] !== text);
    sent = texts;
    return JSON.stringify({
      now: snapshot.at,
      title: pageTitle(snapshot, view.run.runId),
      parts: Object.fromEntries(changed),
      classes: { state: stateClass(snapshot) },
      counts: { rejects: count(snapshot.counters.rejected), shards: count(snapshot.shardsTotal) },
      table: tableVersion(watch),
    });
  };
  const quiet = createInterruptibleWait();
  const stop = watch.listen(quiet.interrupt);
  // At once: the next look may be a minute away.
  quiet.interrupt();
  try {
    while (true) {
      const isNews = await quiet.wait(HEARTBEAT_MS, gone.signal);
      const late = setTimeout(() => stream.abort(), WRITE_MS).unref();
      if (isNews) await stream.writeSSE({ event: 'parts', data: news() });
      else await stream.write(': \n\n');
      clearTimeout(late);
    }
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  } finally {
    stop();
  }
}
