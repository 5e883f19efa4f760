/** The JSON files of a run, damaged: run.json, commits, manifest, and job payloads. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { chooseRetries } from '../../src/producer/retryFailed.ts';
import { parseShardJob } from '../../src/shared/redis/queue.ts';
import { readCommittedSet } from '../../src/shared/run/committedShards.ts';
import { finalizeRun } from '../../src/shared/run/finalizeRun.ts';
import type { AppendGeneration } from '../../src/shared/run/generationFile.ts';
import { readRunShards } from '../../src/shared/run/generations.ts';
import { readManifest } from '../../src/shared/run/manifest.ts';
import { type RunFile, readRunFile } from '../../src/shared/run/runFile.ts';
import {
  ATTEMPT_FOLDERS,
  generationKey,
  parseAttemptKey,
  SUBJECTS_KEY,
} from '../../src/shared/run/runKeys.ts';
import { runShards } from '../../src/shared/run/runShards.ts';
import { createRunTally } from '../../src/shared/run/runTally.ts';
import { type FileEntry, readShardCommit } from '../../src/shared/run/shardCommit.ts';
import { keyProblem } from '../../src/shared/store/storeKey.ts';
import { makeSampleRun } from '../helpers/sampleRun.ts';
import { withFolderStore } from '../helpers/stores.ts';
import { cases, forSeeds } from './cases.ts';
import { memoryStore } from './memoryStore.ts';
import { mutateJson, mutateValue } from './mutateJson.ts';
import { readOrRefuse } from './outcome.ts';

/** Every file of a finished run. */
const files: Record<string, Uint8Array> = {};
let run: RunFile;
const json = (key: string): unknown => JSON.parse(Buffer.from(files[key]!).toString('utf8'));

before(() =>
  withFolderStore(async (store) => {
    run = await makeSampleRun(store);
    await finalizeRun(store, run);
    for await (const { key } of store.list('')) files[key] = (await store.get(key))!;
  }),
);

test('a damaged run.json is read or refused in one clear line', () =>
  forSeeds('run.json', cases(600, 6_000), async (seed) => {
    const store = memoryStore({ ...files, 'run.json': mutateJson(json('run.json'), seed) });
    const found = await readOrRefuse(() => readRunFile(store));
    if (found === undefined) return;
    // What was taken can be worked with: names stay inside, sizes fit memory.
    assert.match(found.runId, /^[A-Za-z0-9-]{1,64}$/);
    for (const { key } of found.listing) assert.equal(keyProblem(key), undefined);
    await readOrRefuse(() => readCommittedSet(store, runShards(found, [])));
  }));

test('a damaged commit is read or refused in one clear line, and names no file but its own', () =>
  forSeeds('commit', cases(600, 6_000), async (seed) => {
    const key = 'commits/00000000.json';
    const store = memoryStore({ ...files, [key]: mutateJson(json(key), seed) });
    const found = await readOrRefuse(() => readShardCommit(store, 0));
    if (found !== undefined) {
      for (const folder of ATTEMPT_FOLDERS) {
        const entry: FileEntry | null = found[folder];
        if (entry === null) continue;
        assert.deepEqual(parseAttemptKey(entry.key), { folder, shardIndex: 0, attemptId: found.attemptId });
      }
    }
    const tally = createRunTally(runShards(run, []), store);
    await readOrRefuse(() => tally.refresh());
    for (const faces of Object.values(tally.rejectsByCode)) assert.equal(typeof faces, 'number');
  }));

test('a reject code that is called like a member of every object is counted like any other', async () => {
  const key = 'commits/00000000.json';
  const commit = json(key) as { rejectsByCode: Record<string, number> };
  commit.rejectsByCode = { constructor: 2 };
  const tally = createRunTally(
    runShards(run, []),
    memoryStore({ [key]: Buffer.from(JSON.stringify(commit)) }),
  );
  await tally.refresh();
  assert.deepEqual(tally.rejectsByCode, { constructor: 2 });
});

test('a code that is called like a member of every object is counted among those that can be tried again', async () => {
  const key = 'commits/00000000.json';
  const commit = json(key) as { rejectsByCode: Record<string, number> };
  commit.rejectsByCode = { constructor: 2 };
  const store = memoryStore({ ...files, [key]: Buffer.from(JSON.stringify(commit)) });
  const { codes } = await chooseRetries(run, store, ['decode/truncated']);
  assert.equal(codes.constructor, 2);
});

test('a damaged manifest is read or refused in one clear line', () =>
  forSeeds('manifest', cases(400, 4_000), async (seed) => {
    const store = memoryStore({ 'manifest.json': mutateJson(json('manifest.json'), seed) });
    const found = await readOrRefuse(() => readManifest(store));
    for (const { key } of [...(found?.files ?? []), ...(found ? [found.subjects] : [])]) {
      assert.ok(key === SUBJECTS_KEY || parseAttemptKey(key) !== undefined, key);
    }
  }));

test('a hostile job payload is a shard or refused in one clear line', () =>
  forSeeds('job payload', cases(600, 4_000), async (seed) => {
    const spec = (json('commits/00000001.json') as { spec: unknown }).spec;
    const found = await readOrRefuse(() => parseShardJob(mutateValue(spec, seed)));
    if (found === undefined) return;
    assert.equal(keyProblem(found.part), undefined);
    assert.ok(found.rowEnd > found.rowStart);
  }));

test('a damaged generation is read or refused in one clear line, and gives no shard that could not be', () =>
  forSeeds('generation', cases(400, 4_000), async (seed) => {
    const key = generationKey(1);
    const listing = [{ key: 'listing/part-x.parquet', rows: 5, bytes: 9, sha256: 'a'.repeat(64) }];
    const append: AppendGeneration = {
      schemaVersion: 1,
      runId: run.runId,
      generation: 1,
      createdAt: '2026-01-02T00:00:00.000Z',
      kind: 'append',
      firstShard: run.shards,
      plan: `${run.runId}-g0001-abcdef`,
      shards: 2,
      corpus: { ...run.corpus, faces: run.corpus.faces + 5 },
      added: { faces: 5, subjects: 1, bytes: 0 },
      gone: 0,
      listing,
      subjects: { key: 'listing/subjects-x.parquet', rows: 3, bytes: 9, sha256: 'a'.repeat(64) },
    };
    const store = memoryStore({ ...files, [key]: mutateJson(append, seed) });
    const found = await readOrRefuse(() => readRunShards(store, run));
    if (found === undefined) return;
    assert.ok(found.places <= found.numbers);
    for (const shard of [0, run.shards, found.numbers - 1]) {
      const place = found.placeOf(shard);
      assert.equal(place === undefined ? shard : found.shardAt(place), shard);
    }
    assert.equal(found.placeOf(found.numbers), undefined);
    await readOrRefuse(() => finalizeRun(store, run));
  }));
