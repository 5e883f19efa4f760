/** What looking at a run costs its store, and what is said when the store does not answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore } from '../../src/shared/store/openStore.ts';
import { withDashboard } from '../helpers/dashboard.ts';
import { makeSampleRun } from '../helpers/sampleRun.ts';
import { withEnvironment, withS3 } from '../helpers/services/s3.ts';

const RUN = 'runs/sample-run/';

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
