/** What looking at a run costs its store, and what is said when the store does not answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pauseRun, resumeRun } from '../../src/shared/run/pause.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { withDashboard } from '../helpers/dashboard.ts';
import { makeSampleRun, planSampleRun } from '../helpers/sampleRun.ts';
import { withEnvironment, withS3 } from '../helpers/services/s3.ts';
import { withFolderStore } from '../helpers/stores.ts';

const RUN = 'runs/sample-run/';

test('a pause by a clock that is ahead is not said to be 0 s old: the time of day by that clock is shown', () =>
  withFolderStore(async (store) => {
    const { runId } = await planSampleRun(store);
    const shown = async (since: string) => {
      await resumeRun(store, runId);
      await pauseRun(store, { runId, since, host: 'node-7' });
      return withDashboard([store.uri], {}, async ({ url }) => (await fetch(`${url}${RUN}`)).text());
    };
    const ahead = new Date(Date.now() + 3_600_000).toISOString();
    const page = await shown(ahead);
    assert.match(
      page,
      new RegExp(`Paused at .*, at <time datetime="${ahead}".*by the clock of who paused it`),
    );
    assert.match(await shown(new Date(Date.now() - 60_000).toISOString()), /Paused at .*class="ago".* ago</);
  }));

test('a run in S3 is read while somebody looks, and not at all when nobody does', () =>
  withS3({ conditionalPuts: true }, (service) =>
    withEnvironment({ AWS_ENDPOINT_URL_S3: service.endpoint }, async () => {
      const { bucket, requests } = service;
      const out = `s3://${bucket}/night`;
      const store = await openStore(out);
      await makeSampleRun(store, { subjects: 6 });
      await store.close();
      requests.length = 0;
      await withDashboard([out], {}, async ({ url }) => {
        const commitsRead = () => requests.filter(({ path }) => path.includes('commits')).length;
        await sleep(500);
        assert.equal(commitsRead(), 0, 'nobody has looked yet');
        const page = await (await fetch(`${url}${RUN}`)).text();
        assert.match(page, /data-value="faces">24</);

        const leave = new AbortController();
        const events = await fetch(`${url}${RUN}events?tab=overview`, { signal: leave.signal });
        const reader = events.body!.getReader();
        await reader.read();
        await sleep(1_000);
        requests.length = 0;
        await sleep(4_500);
        assert.ok(requests.length > 0, 'it looks again and again');
        assert.ok(requests.length <= 40, `${requests.length} requests in 4.5 s`);
        assert.ok(!requests.some(({ path }) => /commits\/\d+\.json/.test(path)), 'commits are read once');
        leave.abort();
        await reader.cancel().catch(() => undefined);
        await sleep(1_000);
        requests.length = 0;
        await sleep(2_500);
        assert.equal(requests.length, 0, 'the last reader has left');

        service.fate = () => ({ status: 403, code: 'AccessDenied' });
        const until = Date.now() + 30_000;
        while (true) {
          const text = await (await fetch(`${url}${RUN}`)).text();
          assert.match(text, /data-value="faces">24</, 'the numbers stay');
          if (/OUT cannot be read just now/.test(text)) break;
          assert.ok(Date.now() < until, 'its trouble is told');
          await sleep(250);
        }
        service.fate = () => 'pass';
      });
    }),
  ));
