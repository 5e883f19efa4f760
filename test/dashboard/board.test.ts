/** Which runs a dashboard without a named OUT shows. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openBoard } from '../../src/dashboard/board.ts';
import { openRedisLink } from '../../src/dashboard/data/redisLink.ts';
import { registerRun, unregisterRun } from '../../src/shared/redisRuns.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { planSampleRun } from '../helpers/sampleRun.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

/** Longer than between two looks for new runs. */
const LATER_MS = 10_000;

test('a run that cannot be read keeps no store open, is shown once it can be, and leaves the page with the Redis', (t) =>
  withRedis(({ url, redis }) =>
    withTempFolder(async (folder) => {
      t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
      const out = join(folder, 'later');
      const createdAt = '2026-01-01T00:00:00.000Z';
      await registerRun(redis, { runId: 'sample-run', createdAt, shards: 4, out });
      await registerRun(redis, { runId: 'never-there', createdAt, shards: 1, out: join(folder, 'nowhere') });
      let open = 0;
      const link = await openRedisLink(url, (line) => assert.fail(line));
      const board = await openBoard({
        outs: [],
        link,
        async openStore(at) {
          const store = await openStore(at, { access: 'read' });
          open++;
          return {
            ...store,
            async close() {
              open--;
              await store.close();
            },
          };
        },
      });
      try {
        const look = async () => {
          t.mock.timers.tick(LATER_MS);
          await board.refresh();
          return [board.views().length, board.unreadable().length, open];
        };
        assert.deepEqual(await look(), [0, 2, 0]);
        const store = await openStore(out);
        await planSampleRun(store);
        await store.close();
        assert.deepEqual(await look(), [1, 1, 1]);
        await unregisterRun(redis, 'never-there', async () => true);
        assert.deepEqual(await look(), [1, 0, 1]);
        await unregisterRun(redis, 'sample-run', async () => true);
        assert.deepEqual(await look(), [1, 0, 1], 'how a run ended can still be seen');
      } finally {
        await board.close();
        await link.close();
      }
      assert.equal(open, 0);
    }),
  ));
