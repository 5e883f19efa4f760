import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseRetries, retryShards } from '../../src/producer/retryFailed.ts';
import { isFinished } from '../../src/shared/run/committedShards.ts';
import { finalizeRun } from '../../src/shared/run/finalizeRun.ts';
import { listGenerations } from '../../src/shared/run/generations.ts';
import { planKey } from '../../src/shared/shardPlan.ts';
import { makeSampleRun } from '../helpers/sampleRun.ts';
import { withFolderStore } from '../helpers/stores.ts';

for (const [what, plan, code] of [
  ['is gone', undefined, 'no-plan'],
  ['is not a table', Buffer.from('garbage'), 'bad-listing'],
] as const) {
  test(`shards whose plan ${what} are not taken up again, and the run stays finished`, () =>
    withFolderStore(async (store) => {
      const run = await makeSampleRun(store);
      await finalizeRun(store, run);
      await store.delete(planKey(run.runId));
      if (plan !== undefined) await store.put(planKey(run.runId), plan);
      const codes = ['detect/no-face'];
      const choice = await chooseRetries(run, store, codes);
      const asked = { codes, createdAt: '2026-01-02T00:00:00.000Z' };
      await assert.rejects(retryShards(run, store, choice, asked), { name: 'IntegrityError', code });
      assert.deepEqual([await listGenerations(store), await isFinished(store)], [[], true]);
    }));
}
