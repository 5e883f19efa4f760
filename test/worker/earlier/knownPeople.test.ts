import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addRetryGeneration, readRunShards } from '../../../src/shared/run/generations.ts';
import { currentSpecs, openRunPlan } from '../../../src/shared/run/runPlan.ts';
import type { ShardSpec } from '../../../src/shared/shard.ts';
import { openEarlierReader } from '../../../src/worker/earlier/earlierReader.ts';
import { readKnownPeople } from '../../../src/worker/earlier/knownPeople.ts';
import { openStopwatch } from '../../../src/worker/stopwatch.ts';
import { commitRest, commitSample, growingCorpus } from '../../helpers/appendSample.ts';
import { KEPT_VARIANTS } from '../../helpers/sampleRun.ts';
import { withFolderStore } from '../../helpers/stores.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

test('of two shards with the same people that are done at the same time only the lower place makes their variants', () =>
  withTempFolder((folder) =>
    withFolderStore(async (store) => {
      const corpus = growingCorpus(folder);
      await corpus.list([['bert', '1']]);
      const { run } = await corpus.plan(store);
      await commitRest(store, run);
      await corpus.list([
        ['bert', '1'],
        ['bert', '2'],
      ]);
      await corpus.plan(store);
      await commitRest(store, run);
      const shards = await readRunShards(store, run);
      const createdAt = '2026-01-02T00:00:00.000Z';
      await addRetryGeneration(store, run, shards, { codes: null, replaces: [0, 1], createdAt });
      const specs: ShardSpec[] = [];
      for await (const { spec } of currentSpecs(run, store, await readRunShards(store, run)))
        specs.push(spec);
      const [lower, higher] = specs as [ShardSpec, ShardSpec];

      const plan = openRunPlan(store, run);
      const earlier = openEarlierReader(store, run.runId, plan);
      const { signal } = new AbortController();
      const bertOf = async (spec: ShardSpec) => {
        const people = await readKnownPeople(spec, { run, plan, earlier }, signal, openStopwatch());
        const { real, variants, variantsElsewhere } = people.earlierOf('bert')!;
        return [real.length, variants.length, variantsElsewhere];
      };
      try {
        assert.deepEqual(await bertOf(lower), [0, 0, false], 'as if it were alone');
        assert.deepEqual(await bertOf(higher), [0, 0, true], 'the lower one may make all');
        await commitSample(store, run, lower);
        assert.deepEqual(await bertOf(higher), [1, KEPT_VARIANTS, false], 'it has made them');
        await commitSample(store, run, higher);
        assert.deepEqual(await bertOf(lower), [1, 0, false]);
      } finally {
        await earlier.close();
      }
    }),
  ));
