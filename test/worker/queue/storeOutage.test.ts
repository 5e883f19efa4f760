import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCorpusSource } from '../../../src/shared/corpus/openCorpusSource.ts';
import { openStore } from '../../../src/shared/store/openStore.ts';
import { createStoreOutage } from '../../../src/worker/queue/storeOutage.ts';
import { withS3 } from '../../helpers/services/s3.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

test('a corpus that does not answer is waited for although OUT does; one that refuses an object answers', () =>
  withS3({ conditionalPuts: false }, (service) =>
    withTempFolder(async (folder) => {
      const { endpoint, bucket } = service;
      const store = await openStore(join(folder, 'out'));
      const corpus = await openCorpusSource(`s3://${bucket}/c`, { s3: { endpoint } });
      const lines: string[] = [];
      const changes: boolean[] = [];
      const outage = createStoreOutage({
        store,
        corpus,
        lookMs: 20,
        warn: (line) => lines.push(line),
        onChange: (away) => changes.push(away),
      });
      const failure = new Error('read failed');
      service.fate = () => ({ status: 403, code: 'AccessDenied' });
      assert.equal(await outage.isAway(failure), false);
      service.fate = () => ({ status: 501, code: 'NotImplemented' });
      assert.equal(await outage.isAway(failure), true);
      assert.equal(outage.away, 'corpus');
      service.fate = () => 'pass';
      for (let tries = 0; outage.away !== undefined && tries < 1_000; tries++) await sleep(10);
      assert.deepEqual(changes, [true, false]);
      assert.deepEqual(lines, [
        'the corpus does not answer, trying again (read failed)',
        'the corpus answers again',
      ]);
      outage.close();
      await corpus.close();
      await store.close();
    }),
  ));
