import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Assumptions,
  type MeasuredConstants,
  needsOf,
} from '../../bench/performance/shared/scalingModel.ts';

const MEASURED: MeasuredConstants = {
  busyShare: 0.98,
  redisCommandsPerShard: 40,
  redisCpuMsPerShard: 0.5,
  fleetShardMs: 2_000,
  redisBytesPerWorker: 30_000,
  redisBytesOfQueue: 5e6,
  listingBytesPerFace: 15,
  listedFacesPerSecond: 400_000,
  queuedShardsPerSecond: 4_000,
  bytesPerRow: 1_750,
  writesPerShard: 3,
  readsPerShard: 8,
};

const ASKED: Assumptions = {
  faces: 1_000_000,
  facesPerPerson: 20,
  variants: 10,
  shardFaces: 10_000,
  facesPerSecond: 2_000,
  hours: 1,
  prices: { workerHour: 1, millionWrites: 5, millionReads: 0.4, terabyteMonth: 20 },
};

test('a million faces by hand: shards, rows, bytes, workers, requests', () => {
  const needs = needsOf(ASKED, MEASURED);
  assert.equal(needs.people, 50_000);
  assert.equal(needs.shards, 100);
  assert.equal(needs.shardSeconds, 5);
  assert.equal(needs.rows, 1_500_000);
  assert.ok(Math.abs(needs.dataTerabytes - 0.002625) < 1e-9);
  // 500 s of models at 98 %.
  assert.ok(Math.abs(needs.workerHours - 500 / 0.98 / 3600) < 1e-9);
  assert.equal(needs.workers, 1);
  assert.equal(needs.storeWrites, 300);
  assert.equal(needs.storeReads, 1_000_000 + 100 * 10);
  assert.equal(needs.workersPerRedis, 4_000);
});

test('ten times the faces in ten times the time need the same workers and the same Redis', () => {
  const small = needsOf({ ...ASKED, faces: 1e8, hours: 1 }, MEASURED);
  const large = needsOf({ ...ASKED, faces: 1e9, hours: 10 }, MEASURED);
  assert.equal(large.workers, small.workers);
  assert.equal(large.redisMegabytes, small.redisMegabytes);
  assert.ok(Math.abs(large.redisCommandsPerSecond / small.redisCommandsPerSecond - 1) < 1e-9);
});
