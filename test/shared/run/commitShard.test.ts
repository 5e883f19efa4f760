import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PosecastError } from '../../../src/shared/errors.ts';
import { commitShard } from '../../../src/shared/run/commitShard.ts';
import { readCommittedSet } from '../../../src/shared/run/committedShards.ts';
import { finalizeRun } from '../../../src/shared/run/finalizeRun.ts';
import { runShards } from '../../../src/shared/run/runShards.ts';
import { settleFinished } from '../../../src/shared/run/settleFinished.ts';
import { readShardCommit } from '../../../src/shared/run/shardCommit.ts';
import { wholeBody } from '../../../src/shared/store/objectBody.ts';
import type { ObjectStore } from '../../../src/shared/store/objectStore.ts';
import { verifyRun } from '../../../src/verify/verifyRun.ts';
import {
  planSampleRun,
  runSampleShard,
  sampleRows,
  sampleSpecs,
  shardResult,
} from '../../helpers/sampleRun.ts';
import { STORES, storeKeys, withFolderStore } from '../../helpers/stores.ts';

for (const [name, withStore] of Object.entries(STORES)) {
  test(`${name}: an attempt that is stopped while it uploads takes its files with it`, () =>
    withStore(async (store) => {
      const run = await planSampleRun(store, { subjects: 1 });
      const [spec] = await sampleSpecs(store, run);
      assert.ok(spec);
      const before = await storeKeys(store);
      const result = await shardResult(run, spec, 'a', await sampleRows(store, run, spec));
      const stop = new AbortController();
      const stopped: ObjectStore = {
        ...store,
        put: async (key, body, signal) => {
          await store.put(key, body);
          if (key.startsWith('subjects/')) stop.abort();
          signal?.throwIfAborted();
        },
      };
      await assert.rejects(commitShard(stopped, result, stop.signal), { name: 'AbortError' });
      assert.deepEqual(await storeKeys(store), before);
    }));

  test(`${name}: a commit that is there has won, though the store said that it failed`, () =>
    withStore(async (store) => {
      const run = await planSampleRun(store, { subjects: 1 });
      const [spec] = await sampleSpecs(store, run);
      assert.ok(spec);
      const failing: ObjectStore = {
        ...store,
        putIfAbsent: async (key, body) => {
          await store.putIfAbsent(key, body);
          throw new PosecastError('s3-failed', 'no answer');
        },
      };
      assert.equal(await runSampleShard(failing, run, spec, 'only'), 'won');
    }));

  test(`${name}: of many attempts of a shard exactly one stays, with its own files and no others`, () =>
    withStore(async (store) => {
      const run = await planSampleRun(store, { subjects: 1 });
      const [spec] = await sampleSpecs(store, run);
      assert.ok(spec);
      const attempts = Array.from({ length: 6 }, (_, i) => `attempt-${i}`);
      const outcomes = await Promise.all(attempts.map((id) => runSampleShard(store, run, spec, id)));
      assert.equal(outcomes.filter((outcome) => outcome === 'won').length, 1);
      const winner = attempts[outcomes.indexOf('won')];
      const commit = await readShardCommit(store, 0);
      assert.equal(commit?.attemptId, winner);
      for (const folder of ['data', 'rejects', 'subjects']) {
        assert.deepEqual(await storeKeys(store, `${folder}/`), [`${folder}/00000000-${winner}.parquet`]);
      }
    }));
}

test('a commit that takes the place of another after the finish brings its files again', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store, { subjects: 1 });
    const [spec] = await sampleSpecs(store, run);
    assert.ok(spec);
    let looked = false;
    const weak: ObjectStore = {
      ...store,
      atomicPutIfAbsent: false,
      // Nobody else was there when it looked; while its commit was on the way, another won and the run was finished.
      async putIfAbsent(key, body) {
        if (looked) return store.putIfAbsent(key, body);
        looked = true;
        assert.equal(await runSampleShard(store, run, spec, 'early'), 'won');
        assert.equal((await finalizeRun(store, run)).status, 'finished');
        await store.put(key, body);
        return true;
      },
    };
    assert.equal(await runSampleShard(weak, run, spec, 'late'), 'won');
    assert.equal(await settleFinished(store, run), true);
    const report = await verifyRun(store);
    assert.ok(report.ok, JSON.stringify(report.problems));
    assert.equal((await readShardCommit(store, 0))?.attemptId, 'late');
  }));

test('an attempt of a committed shard uploads nothing', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store, { subjects: 1 });
    const [spec] = await sampleSpecs(store, run);
    assert.ok(spec);
    assert.equal(await runSampleShard(store, run, spec, 'first'), 'won');
    const writes: string[] = [];
    const watched: ObjectStore = { ...store, put: async (key) => void writes.push(key) };
    assert.equal(await runSampleShard(watched, run, spec, 'second'), 'lost');
    assert.deepEqual(writes, []);
  }));

test('an attempt that is told its own commit exists has won', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store, { subjects: 1 });
    const [spec] = await sampleSpecs(store, run);
    assert.ok(spec);
    // The answer to the first request was lost on the way, and the repeated request is refused.
    const forgetful: ObjectStore = {
      ...store,
      async putIfAbsent(key, body) {
        await store.putIfAbsent(key, body);
        return store.putIfAbsent(key, body);
      },
    };
    assert.equal(await runSampleShard(forgetful, run, spec, 'only'), 'won');
    assert.equal(await runSampleShard(store, run, spec, 'only'), 'won');
  }));

test('an attempt that dies while uploading leaves the shard uncommitted, and the next one wins', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store, { subjects: 1 });
    const [spec] = await sampleSpecs(store, run);
    assert.ok(spec);
    const dying: ObjectStore = {
      ...store,
      put: async (key, body) => {
        if (key.startsWith('subjects/')) throw new PosecastError('disk-full', 'no space left');
        await store.put(key, body);
      },
    };
    await assert.rejects(runSampleShard(dying, run, spec, 'first'), { code: 'disk-full' });
    assert.equal((await readCommittedSet(store, runShards(run, []))).has(0), false);
    assert.equal(await runSampleShard(store, run, spec, 'second'), 'won');
    assert.equal((await readCommittedSet(store, runShards(run, []))).has(0), true);
  }));

test('an attempt whose table the store cut short is not committed', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store, { subjects: 1 });
    const [spec] = await sampleSpecs(store, run);
    assert.ok(spec);
    const cutting: ObjectStore = {
      ...store,
      put: (key, body) => store.put(key, wholeBody(body).subarray(1)),
    };
    await assert.rejects(runSampleShard(cutting, run, spec, 'first'), {
      name: 'IntegrityError',
      code: 'altered',
    });
    assert.equal((await readCommittedSet(store, runShards(run, []))).size, 0);
  }));

for (const [name, withStore] of Object.entries(STORES)) {
  test(`${name}: an attempt that looked before another committed and writes after it has lost, also without put-if-absent`, () =>
    withStore(async (store) => {
      const run = await planSampleRun(store, { subjects: 1 });
      const [spec] = await sampleSpecs(store, run);
      assert.ok(spec);
      const late: ObjectStore = {
        ...store,
        async putIfAbsent(key, body, signal) {
          assert.equal(await runSampleShard(store, run, spec, 'first'), 'won');
          return store.putIfAbsent(key, body, signal);
        },
      };
      assert.equal(await runSampleShard(late, run, spec, 'late'), 'lost');
      assert.equal((await readShardCommit(store, 0))?.attemptId, 'first');
      assert.deepEqual(await storeKeys(store, 'data/'), ['data/00000000-first.parquet']);
    }));
}

test('a result whose numbers do not add up is refused before anything is written', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store, { subjects: 1 });
    const [spec] = await sampleSpecs(store, run);
    assert.ok(spec);
    const before = await storeKeys(store);
    const result = await shardResult(run, spec, 'a', await sampleRows(store, run, spec));
    const wrong = { ...result, counters: { ...result.counters, ok: result.counters.ok + 1 } };
    await assert.rejects(commitShard(store, wrong), { name: 'PermanentShardError', code: 'bad-commit' });
    assert.deepEqual(await storeKeys(store), before);
  }));

test('a commit of another run is an integrity error', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store, { subjects: 1 });
    const [spec] = await sampleSpecs(store, run);
    assert.ok(spec);
    await runSampleShard(store, run, spec, 'first');
    const other = { ...run, runId: 'other-run' };
    await assert.rejects(runSampleShard(store, other, { ...spec, runId: 'other-run' }, 'second'), {
      code: 'other-run',
    });
  }));

test('a shard whose OUT was deleted, or used again, while it was in work is not committed there, and leaves no file', () =>
  withFolderStore(async (store) => {
    const run = await planSampleRun(store, { subjects: 1 });
    const [spec] = await sampleSpecs(store, run);
    assert.ok(spec);
    const result = await shardResult(run, spec, 'late', await sampleRows(store, run, spec));
    for (const key of await storeKeys(store)) await store.delete(key);
    await assert.rejects(commitShard(store, result), { name: 'IntegrityError', code: 'no-run' });
    assert.deepEqual(await storeKeys(store), []);
    await planSampleRun(store, { subjects: 1, runId: 'another-run' });
    const before = await storeKeys(store);
    await assert.rejects(commitShard(store, result), { name: 'IntegrityError', code: 'other-run' });
    assert.deepEqual(await storeKeys(store), before);
  }));
