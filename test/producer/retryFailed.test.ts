import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseRetries, retryShards } from '../../src/producer/retryFailed.ts';
import { StoreUnusableError } from '../../src/shared/errors.ts';
import { isFinished } from '../../src/shared/run/committedShards.ts';
import { finalizeRun } from '../../src/shared/run/finalizeRun.ts';
import { listGenerations } from '../../src/shared/run/generations.ts';
import { planKey } from '../../src/shared/run/runKeys.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
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

for (const [what, arrives, expected] of [
  ['cannot be written', false, [[], true]],
  ['was written although its answer is lost', true, [[1], false]],
] as const) {
  test(`a finished run of which the generation ${what} is finished only if no generation came`, () =>
    withFolderStore(async (store) => {
      const run = await makeSampleRun(store);
      await finalizeRun(store, run);
      const codes = ['detect/no-face'];
      const choice = await chooseRetries(run, store, codes);
      const full: ObjectStore = {
        ...store,
        async putIfAbsent(key, body, signal) {
          if (arrives) await store.putIfAbsent(key, body, signal);
          throw new StoreUnusableError('disk-full', 'no room', { key });
        },
      };
      const asked = { codes, createdAt: '2026-01-02T00:00:00.000Z' };
      const code = arrives ? 'not-finished' : 'disk-full';
      await assert.rejects(retryShards(run, full, choice, asked), { code });
      assert.deepEqual([await listGenerations(store), await isFinished(store)], expected);
    }));
}

test('a finished run that can neither get its generation nor its _SUCCESS back has to be finished again, which is said', () =>
  withFolderStore(async (store) => {
    const run = await makeSampleRun(store);
    await finalizeRun(store, run);
    const codes = ['detect/no-face'];
    const choice = await chooseRetries(run, store, codes);
    const refuse = async (key: string): Promise<never> => {
      throw new StoreUnusableError('disk-full', 'no room', { key });
    };
    const full: ObjectStore = { ...store, put: refuse, putIfAbsent: refuse };
    const asked = { codes, createdAt: '2026-01-02T00:00:00.000Z' };
    await assert.rejects(retryShards(run, full, choice, asked), {
      code: 'not-finished',
      message: /the command that started it .* finishes it again/,
    });
    assert.deepEqual([await listGenerations(store), await isFinished(store)], [[], false]);
  }));
