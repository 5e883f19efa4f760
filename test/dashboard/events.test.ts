/** Pages that follow a run live: what they cost when nobody reads them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { dashboardApp } from '../../src/dashboard/app.ts';
import { openBoard } from '../../src/dashboard/board.ts';
import type { RunView } from '../../src/dashboard/runView.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { makeSampleRun } from '../helpers/sampleRun.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

/** Pages that may be followed at the same time. */
const MOST = 100;

interface Followed {
  readonly view: RunView;
  /** @param path within the run; the events unless another is named. */
  ask(method?: string, path?: string): Promise<Response>;
}

async function withFollowed(run: (followed: Followed) => Promise<void>): Promise<void> {
  await withTempFolder(async (out) => {
    const store = await openStore(out);
    await makeSampleRun(store, { subjects: 3 });
    await store.close();
    const board = await openBoard({
      named: [{ out, runId: undefined }],
      link: undefined,
      openStore: (at) => openStore(at, { access: 'read' }),
    });
    try {
      const app = await dashboardApp({
        board,
        host: '127.0.0.1',
        token: undefined,
        allowHosts: [],
        allowActions: false,
        warn: (line) => assert.fail(line),
      });
      await run({
        view: board.views()[0]!,
        ask: async (method = 'GET', path = 'events?tab=rejects') =>
          app.request(`/runs/sample-run/${path}`, { method, headers: { host: '127.0.0.1' } }),
      });
    } finally {
      await board.close();
    }
  });
}

/** Lets what is under way be written. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn();
}

test('asking for the head of the events follows nothing', () =>
  withFollowed(async ({ ask }) => {
    for (let i = 0; i <= MOST; i++) {
      const { status, headers } = await ask('HEAD');
      assert.equal(status, 200);
      assert.equal(headers.get('content-type'), 'text/event-stream');
    }
    const page = await ask();
    assert.equal(page.status, 200);
    await page.body!.cancel();
  }));

test('the events carry the title of the page, as it was sent with the page', () =>
  withFollowed(async ({ view, ask }) => {
    await view.watch.fresh();
    const reader = (await ask()).body!.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    const event = JSON.parse(/^data: (.*)$/m.exec(new TextDecoder().decode(value))![1]!);
    const page = await (await ask('GET', '')).text();
    assert.equal(event.title, /<title>(.*)<\/title>/.exec(page)![1]);
    assert.match(event.title, /^100 % .* · posecast sample-run$/);
  }));

test('a page that does not read is told the newest numbers when it does, and not all those before', () =>
  withFollowed(async ({ view, ask }) => {
    const reader = (await ask()).body!.getReader();
    for (let i = 0; i < 1_000; i++) {
      view.watch.announce();
      await turn();
    }
    let events = 0;
    const reading = (async () => {
      while (!(await reader.read()).done) events++;
    })();
    for (let i = 0; i < 20; i++) await turns();
    await reader.cancel();
    await reading;
    assert.ok(events >= 1 && events < 20, `${events} events`);
  }));

test('pages that read nothing for a minute are let go, and others can be opened', (t) =>
  withFollowed(async ({ view, ask }) => {
    await view.watch.fresh();
    t.mock.timers.enable({ apis: ['setTimeout'] });
    for (let i = 0; i < MOST; i++) assert.equal((await ask()).status, 200);
    assert.equal((await ask()).status, 503);
    for (let i = 0; i < 5; i++) {
      view.watch.announce();
      await turns();
    }
    t.mock.timers.tick(61_000);
    await turns();
    const page = await ask();
    assert.equal(page.status, 200);
    await page.body!.cancel();
  }));
