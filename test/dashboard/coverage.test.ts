/** What the page says of the poses where there is nothing to draw. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { withDashboard } from '../helpers/dashboard.ts';
import { makeSampleRun, planSampleRun } from '../helpers/sampleRun.ts';
import { withFolderStore } from '../helpers/stores.ts';

/** The section of the poses at the first view of the page, and once it says something else or for two seconds. */
function views(store: ObjectStore): Promise<readonly [first: string, later: string]> {
  return withDashboard([store.uri], {}, async ({ url }) => {
    const section = async () => {
      const page = await (await fetch(`${url}runs/sample-run/`)).text();
      return /<div id="coverage"[^>]*>(.*?)<\/div>/s.exec(page)![1]!;
    };
    const first = await section();
    const until = Date.now() + 2_000;
    let later = await section();
    while (later === first && Date.now() < until) {
      await sleep(50);
      later = await section();
    }
    return [first, later];
  });
}

test('of the poses of a run without commits it is said that nothing is committed', () =>
  withFolderStore(async (store) => {
    await planSampleRun(store);
    for (const text of await views(store)) assert.match(text, /Nothing is committed yet\./);
  }));

test('while the poses of committed shards are read, that is said', () =>
  withFolderStore(async (store) => {
    await makeSampleRun(store);
    const [first, later] = await views(store);
    assert.match(first, /The poses are being read\./);
    assert.match(later, /<svg/);
  }));

test('of a run in which no photograph was usable it is said that nobody has a face', () =>
  withFolderStore(async (store) => {
    await makeSampleRun(store, {
      change(rows) {
        const reason = { stage: 'detect', code: 'no-face', message: 'no face found' } as const;
        for (const { kind, faceId, subjectId } of rows.data) {
          if (kind === 'real') rows.rejects.push({ faceId, subjectId, uri: faceId, ...reason });
        }
        rows.data = [];
        for (const row of rows.subjects) {
          const { faces, rejects } = row;
          const none = { faces: 0, variants: 0, poseCoverageBefore: 0, poseCoverageAfter: 0 };
          Object.assign(row, none, { rejects: faces + rejects });
        }
      },
    });
    const [, later] = await views(store);
    assert.match(later, /Nobody has a usable face\./);
  }));
