import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Generation, RetryGeneration } from '../../../src/shared/run/generationFile.ts';
import { runShards } from '../../../src/shared/run/runShards.ts';

const corpus = { faces: 6, subjects: 6, bytes: 0, sha256: 'a'.repeat(64) };
const run = { runId: 'sample-run', shards: 6, corpus, listing: [] };

function retry(generation: number, firstShard: number, replaces: number[]): RetryGeneration {
  return {
    schemaVersion: 1,
    runId: run.runId,
    generation,
    createdAt: '2026-01-02T00:00:00.000Z',
    kind: 'retry',
    codes: null,
    firstShard,
    replaces,
  };
}

test('whatever is replaced by whatever, every place has one shard that counts, and every other shard has no place', () => {
  fc.assert(
    fc.property(fc.array(fc.uniqueArray(fc.nat(5), { minLength: 1 }), { maxLength: 5 }), (places) => {
      const generations: RetryGeneration[] = [];
      for (const chosen of places) {
        const { shardAt, numbers } = runShards(run, generations);
        generations.push(retry(generations.length + 1, numbers, chosen.map(shardAt)));
      }
      const shards = runShards(run, generations);
      const replaced = generations.flatMap(({ replaces }) => replaces);
      assert.equal(shards.numbers, run.shards + replaced.length);
      const counting = Array.from({ length: shards.places }, (_, place) => shards.shardAt(place));
      assert.equal(new Set(counting).size, run.shards);
      for (let shard = 0; shard < shards.numbers + 2; shard++) {
        const place = shards.placeOf(shard);
        assert.equal(place === undefined, !counting.includes(shard));
        if (place !== undefined) assert.equal(shards.shardAt(place), shard);
      }
      for (const shard of replaced) assert.equal(shards.placeOf(shard), undefined);
    }),
  );
});

test('generations that do not follow one another are refused', () => {
  const wrong: Generation[][] = [
    [retry(2, 6, [0])],
    [retry(1, 7, [0])],
    [retry(1, 6, [6])],
    [retry(1, 6, [2, 2])],
    [retry(1, 6, [2]), retry(2, 7, [2])],
    [{ ...retry(1, 6, [2]), runId: 'another' }],
  ];
  for (const generations of wrong) {
    assert.throws(() => runShards(run, generations), { code: 'bad-generation' }, JSON.stringify(generations));
  }
});
