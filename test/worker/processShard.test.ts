import assert from 'node:assert/strict';
import { test } from 'node:test';
import pLimit from 'p-limit';
import { folderSource } from '../../src/shared/corpus/folderSource.ts';
import { openRunPlan } from '../../src/shared/run/runPlan.ts';
import { processShard } from '../../src/worker/processShard.ts';
import type { ShardContext } from '../../src/worker/shardContext.ts';
import { planSampleRun, runSampleShard, sampleSpecs } from '../helpers/sampleRun.ts';
import { withFolderStore } from '../helpers/stores.ts';

test('a shard that is committed is taken already: nothing is read and nothing computed', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store, { subjects: 1 });
    const [spec] = await sampleSpecs(store, run);
    assert.ok(spec);
    const computed = async () => assert.fail('computed again');
    const models = { threads: 1, processFaces: computed, combine: computed };
    const context: ShardContext = {
      run,
      store,
      corpus: folderSource('/nowhere'),
      plan: openRunPlan(store, run),
      earlier: { read: computed, close: async () => undefined },
      models: { ...models, inTurn: () => models, close: async () => undefined },
      tableWriter: { encode: computed, close: async () => undefined },
      device: 'cpu',
      batchFaces: 1,
      readLimit: pLimit(1),
    };
    const options = { signal: new AbortController().signal, onProgress: () => undefined };
    await assert.rejects(processShard(spec, context, options), /computed again/);
    assert.equal(await runSampleShard(store, run, spec, 'first'), 'won');
    assert.equal(await processShard(spec, context, options), 'taken');
  }));
