import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DoneShard, overallPace, recentPace, throughputBins } from '../../src/dashboard/data/pace.ts';

const shard = (finishedAt: number, changed: Partial<DoneShard> = {}): DoneShard => ({
  shard: 0,
  finishedAt,
  totalMs: 1_000,
  faces: 10,
  variants: 20,
  ...changed,
});

const anyShards = fc.array(
  fc.record({
    shard: fc.constant(0),
    finishedAt: fc.integer({ min: 10_000, max: 1_000_000 }),
    totalMs: fc.integer({ min: 1, max: 9_000 }),
    faces: fc.integer({ min: 1, max: 600 }),
    variants: fc.integer({ min: 0, max: 6_000 }),
  }),
  { minLength: 1, maxLength: 80 },
);

test('nothing committed has no pace', () => {
  assert.equal(
    recentPace(() => []),
    undefined,
  );
  assert.equal(overallPace([]), undefined);
});

test('two workers that commit their first shards in the same moment are no miracle of speed', () => {
  const pace = recentPace(() => [shard(10_000), shard(10_001)]);
  assert.ok(
    pace !== undefined && pace.facesPerSecond > 19 && pace.facesPerSecond < 21,
    `${pace?.facesPerSecond}`,
  );
});

test('the present pace is that of the last fifty shards', () => {
  const slow = Array.from({ length: 100 }, (_, i) => shard(i * 10_000));
  const fast = Array.from({ length: 51 }, (_, i) => shard(1_000_000 + i * 500));
  assert.equal(recentPace(() => [...fast, ...slow])?.facesPerSecond, 20);
});

test('however many workers began together, the pace is theirs from the first commits of all of them on', () => {
  for (const [slots, minute] of [
    [8, 1],
    [50, 1],
    [200, 1],
    [400, 7],
  ] as const) {
    let seed = 7;
    const random = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed / 2_147_483_648;
    };
    const commits: DoneShard[] = [];
    for (let slot = 0; slot < slots; slot++) {
      let finishedAt = 0;
      for (let i = 0; i < 20; i++) {
        const totalMs = minute * 60_000 * (0.95 + 0.1 * random());
        finishedAt += totalMs;
        commits.push(shard(finishedAt, { totalMs, faces: 512 }));
      }
    }
    const truth = (slots * 512) / (minute * 60);
    for (const minutes of [1.1, 1.5, 1.9, 2.1, 2.5, 5, 5.5, 10, 10.5, 15]) {
      const seen = commits.filter(({ finishedAt }) => finishedAt <= minutes * minute * 60_000);
      const shown = recentPace(() => seen)!.facesPerSecond / truth;
      assert.ok(shown > 0.8 && shown < 1.2, `${slots} at once, after ${minutes} shard times: ${shown}`);
    }
  }
});

test('a night without workers is a break and not the pace', () => {
  const before = Array.from({ length: 60 }, (_, i) => shard(i * 1_000));
  const after = Array.from({ length: 20 }, (_, i) => shard(36_000_000 + i * 1_000));
  assert.equal(recentPace(() => [...before, ...after])?.facesPerSecond, 10);
});

test('however shards lie in time, the plot holds all of their faces', () => {
  fc.assert(
    fc.property(anyShards, fc.integer({ min: 1, max: 100 }), (shards, bins) => {
      const whole = overallPace(shards)!;
      const to = Math.max(whole.endedAt, whole.startedAt + 1);
      const drawn = throughputBins(shards, whole.startedAt, to, bins).reduce((sum, rate) => sum + rate, 0);
      const faces = shards.reduce((sum, { faces }) => sum + faces, 0);
      assert.ok(Math.abs((drawn * (to - whole.startedAt)) / bins / 1_000 - faces) < 1e-6 * faces);
    }),
  );
});

test('the overall pace is all faces over the time from the first start to the last commit', () => {
  const whole = overallPace([shard(11_000), shard(21_000)])!;
  assert.deepEqual(whole, {
    startedAt: 10_000,
    endedAt: 21_000,
    workMs: 11_000,
    spans: [{ generation: 0, startedAt: 10_000, endedAt: 21_000 }],
    longestMs: 1_000,
    facesPerSecond: 20 / 11,
    variantsPerSecond: 40 / 11,
  });
});

test('the months between two generations are not time of work, and what both were at work counts once', () => {
  const month = 2_592_000_000;
  const times = [shard(11_000), shard(month, { shard: 1 }), shard(month + 1_000, { shard: 1 })];
  const whole = overallPace(times, () => 0)!;
  assert.equal(whole.workMs, month - 9_000);
  const apart = overallPace(times, (number) => number)!;
  assert.equal(apart.workMs, 3_000);
  assert.equal(apart.facesPerSecond, 10);
  assert.deepEqual(
    apart.spans.map(({ startedAt }) => startedAt),
    [10_000, month - 1_000],
  );
  const retryMeanwhile = [shard(11_000), shard(21_000), shard(15_000, { shard: 1 })];
  assert.equal(overallPace(retryMeanwhile, (number) => number)!.workMs, 11_000);
});

test('a run of a single moment has numbers in its plot', () => {
  const rates = throughputBins([shard(10_000, { totalMs: 0 })], 10_000, 10_000, 9);
  assert.equal(rates.length, 9);
  for (const rate of rates) assert.ok(Number.isFinite(rate));
});
