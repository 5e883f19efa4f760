/** bull-board beside the project's own pages: every queue as BullMQ sees it, to be looked at and not to be touched. */
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { HonoAdapter } from '@bull-board/hono';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import type { RedisLink } from './data/redisLink.ts';
import { QUEUES_POLICY } from './guard.ts';

/** Its page asks for fonts of another company; nothing here leaves this machine. */
const FOREIGN_LINK = /<link\b[^>]*\bhref="https?:\/\/[^>]*>/g;

export interface QueuesPage {
  readonly app: Hono;
  /** Shows the queue of a run; once a run. */
  add(runId: string): void;
}

/** @param path where its page is mounted. */
export function openQueuesPage(link: RedisLink, path: string): QueuesPage {
  const serverAdapter = new HonoAdapter(serveStatic);
  serverAdapter.setBasePath(path);
  const board = createBullBoard({
    queues: [],
    serverAdapter,
    options: {
      uiConfig: {
        boardTitle: 'posecast queues',
        hideRedisDetails: true,
        hideDocsLink: true,
        miscLinks: [{ text: 'Run page', url: '/' }],
      },
    },
  });
  const shown = new Set<string>();
  const app = new Hono();
  app.use(async (c, next) => {
    // The adapters are read-only; this holds for whatever route a later version may add.
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD')
      return c.text('The queues are shown read-only.\n', 405);
    // A command to a Redis that is away would wait for its return.
    if (!(await link.answers())) {
      return c.text(`Redis at ${link.label} does not answer: the queues are shown when it is back.\n`, 503);
    }
    await next();
    c.res.headers.set('Content-Security-Policy', QUEUES_POLICY);
    if (c.res.headers.get('content-type')?.startsWith('text/html')) {
      const page = (await c.res.text()).replace(FOREIGN_LINK, '');
      c.res = new Response(page, c.res);
    }
  });
  app.route('/', serverAdapter.registerPlugin());
  return {
    app,
    add(runId) {
      const queue = link.queue(runId);
      if (queue === undefined || shown.has(runId)) return;
      shown.add(runId);
      board.addQueue(new BullMQAdapter(queue, { readOnlyMode: true, description: `shards of run ${runId}` }));
    },
  };
}
