import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runShards } from '../../../src/shared/run/runShards.ts';
import { createRunTally } from '../../../src/shared/run/runTally.ts';
import type { ObjectStore } from '../../../src/shared/store/objectStore.ts';
import { PER_SHARD, planSampleRun, runSampleShard, sampleSpecs } from '../../helpers/sampleRun.ts';
import { withFolderStore } from '../../helpers/stores.ts';

test('a tally adds up every commit and reads each of them once', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store, { subjects: 8 });
    const specs = await sampleSpecs(store, run);
    const reads: string[] = [];
    const watched: ObjectStore = {
      ...store,
      get: (key, range, signal) => {
        reads.push(key);
        return store.get(key, range, signal);
      },
    };
    const tally = createRunTally(runShards(run, []), watched);
    await tally.refresh();
    assert.equal(tally.shardsDone, 0);
    for (const spec of specs.slice(1)) await runSampleShard(store, run, spec, 'a1');
    await tally.refresh();
    await tally.refresh();
    assert.equal(tally.shardsDone, 3);
    assert.deepEqual(
      tally.counters,
      Object.fromEntries(Object.entries(PER_SHARD).map(([name, value]) => [name, 3 * value])),
    );
    assert.deepEqual(tally.rejectsByCode, { 'detect/no-face': 6 });
    assert.deepEqual([0, 1, 2, 3].map(tally.has), [false, true, true, true]);
    assert.deepEqual([...reads].sort(), [...new Set(reads)].sort());
  }));
