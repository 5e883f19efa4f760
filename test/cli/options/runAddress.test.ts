import assert from 'node:assert/strict';
import { test } from 'node:test';
import { registerRun } from '../../../src/shared/redis/runList.ts';
import { posecast } from '../../helpers/cli.ts';
import { planSampleRun } from '../../helpers/sampleRun.ts';
import { withRedis } from '../../helpers/services/redis.ts';
import { storeKeys, withFolderStore } from '../../helpers/stores.ts';

test('a run that is named by its id is not taken for another that lies in its OUT by now', () =>
  withRedis(({ url, redis }) =>
    withFolderStore(async (store) => {
      const runId = '20261123T220000-1a2b3c';
      const { createdAt, shards } = await planSampleRun(store, { runId: '20261124T220000-1a2b3c' });
      await registerRun(redis, { runId, createdAt, shards, out: store.uri });
      const before = await storeKeys(store);
      for (const command of ['pause', 'resume', 'status', 'retry-failed', 'dashboard']) {
        const { code, stdout, stderr } = await posecast([command, runId], { REDIS_URL: url });
        assert.equal(code, 2, stdout + stderr);
        assert.match(
          stderr,
          /OUT: expected run 20261123T220000-1a2b3c, found another; .*: posecast forget 20261123T220000-1a2b3c \[out=/,
        );
        assert.match(stderr, /found=20261124T220000-1a2b3c\]/);
      }
      assert.deepEqual(await storeKeys(store), before);
    }),
  ));
