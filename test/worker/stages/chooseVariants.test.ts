import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countPoses, poseBin, poseCoverage } from '../../../src/shared/poseBins.ts';
import { createLoopYield } from '../../../src/worker/loopYield.ts';
import {
  binTargets,
  chooseVariants,
  type VariantChoice,
  type VariantRequest,
} from '../../../src/worker/stages/chooseVariants.ts';
import { plainVariants } from './plainVariants.ts';

const choose = (asked: VariantRequest): Promise<VariantChoice[]> => chooseVariants(asked, createLoopYield());

const pose = fc.record({
  yaw: fc.double({ min: -80, max: 80, noNaN: true }),
  pitch: fc.double({ min: -40, max: 40, noNaN: true }),
});
const targets = fc
  .array(pose, { minLength: 1, maxLength: 60 })
  .map((poses) => binTargets({ yaw: poses.map((p) => p.yaw), pitch: poses.map((p) => p.pitch) }));
const request = fc.record({
  subjectId: fc.string(),
  faces: fc.array(pose, { minLength: 1, maxLength: 8 }),
  targets,
  count: fc.integer({ min: 0, max: 40 }),
  policy: fc.constantFrom('coverage' as const, 'uniform' as const, 'random' as const),
  seed: fc.nat(),
});

test('the same seed, subject and faces choose the same variants, numbered from 0', async () => {
  await fc.assert(
    fc.asyncProperty(request, async (asked) => {
      const chosen = await choose(asked);
      assert.deepEqual(await choose(asked), chosen);
      assert.deepEqual(
        chosen.map((choice) => choice.variant),
        Array.from({ length: asked.count }, (_, variant) => variant),
      );
    }),
  );
});

test('every choice names a face of the subject and an entry of the bank', async () => {
  await fc.assert(
    fc.asyncProperty(request, async (asked) => {
      for (const { source, posture } of await choose(asked)) {
        assert.ok(source in asked.faces);
        assert.ok(posture >= 0 && posture < asked.targets.poses.yaw.length);
      }
    }),
  );
});

test('no posture is taken twice before all have been taken', async () => {
  await fc.assert(
    fc.asyncProperty(request, async (asked) => {
      const times = new Map<number, number>();
      for (const { posture } of await choose(asked)) times.set(posture, (times.get(posture) ?? 0) + 1);
      const all = Array.from(asked.targets.poses.yaw, (_, posture) => times.get(posture) ?? 0);
      assert.ok(Math.max(...all) - Math.min(...all) <= 1);
    }),
  );
});

test('a posture that is taken again gets another photograph, as long as one is nearly as near', async () => {
  const faces = [0, 3, 6].map((yaw) => ({ yaw, pitch: 0 }));
  const bank = binTargets({ yaw: [20, 40, -30], pitch: [0, 0, 0] });
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const asked = { subjectId: 'a', faces, targets: bank, count: 9, policy: 'coverage' as const, seed };
      const pairs = (await choose(asked)).map(({ source, posture }) => `${source} ${posture}`);
      assert.equal(new Set(pairs).size, 9);
    }),
  );
});

/** Where this many variants leave no bin without entries that were not taken. */
const withoutRepeats = request.filter(
  ({ targets, count }) =>
    Math.min(...targets.members.map(({ length }) => length)) * targets.members.length >= count,
);

test('coverage never fills a bin while a reachable bin with postures left holds fewer faces', async () => {
  await fc.assert(
    fc.asyncProperty(request, async (asked) => {
      const counts = countPoses(asked.faces);
      let left = asked.targets.members.map((entries) => new Set(entries));
      for (const { posture } of await choose({ ...asked, policy: 'coverage' })) {
        const bin = poseBin({
          yaw: asked.targets.poses.yaw[posture]!,
          pitch: asked.targets.poses.pitch[posture]!,
        });
        if (left.every(({ size }) => size === 0))
          left = asked.targets.members.map((entries) => new Set(entries));
        const open = asked.targets.reachable.filter((_, i) => left[i]!.size > 0);
        assert.equal(counts[bin], Math.min(...open.map((reachable) => counts[reachable]!)));
        assert.ok(left[asked.targets.reachable.indexOf(bin)]!.delete(posture));
        counts[bin]! += 1;
      }
    }),
  );
});

test('with as many variants as reachable bins, coverage reaches every bin', async () => {
  await fc.assert(
    fc.asyncProperty(request, async (asked) => {
      const { targets } = asked;
      const chosen = await choose({ ...asked, policy: 'coverage', count: targets.reachable.length });
      const counts = countPoses([
        ...asked.faces,
        ...chosen.map(({ posture }) => ({
          yaw: targets.poses.yaw[posture]!,
          pitch: targets.poses.pitch[posture]!,
        })),
      ]);
      assert.equal(poseCoverage(counts, targets.reachable), 1);
    }),
  );
});

test('uniform gives every reachable bin the same number of variants, give or take one, while each has postures left', async () => {
  await fc.assert(
    fc.asyncProperty(withoutRepeats, async (asked) => {
      const counts = new Map<number, number>();
      for (const { posture } of await choose({ ...asked, policy: 'uniform' })) {
        const bin = asked.targets.members.findIndex((members) => members.includes(posture));
        counts.set(bin, (counts.get(bin) ?? 0) + 1);
      }
      const all = asked.targets.reachable.map((_, bin) => counts.get(bin) ?? 0);
      assert.ok(Math.max(...all) - Math.min(...all) <= 1);
    }),
  );
});

test('the source is a face that has to turn least, within ten degrees', async () => {
  const targets = binTargets({ yaw: [60], pitch: [0] });
  const faces = [
    { yaw: -40, pitch: 0 },
    { yaw: 35, pitch: 0 },
    { yaw: 0, pitch: 0 },
  ];
  const asked = { subjectId: 'anna', faces, targets, count: 20, policy: 'coverage' as const, seed: 1 };
  const sources = (await choose(asked)).map((choice) => choice.source);
  assert.deepEqual(new Set(sources), new Set([1]));
});

test('a subject without usable faces gets no variants', async () => {
  const targets = binTargets({ yaw: [0], pitch: [0] });
  assert.deepEqual(
    await choose({ subjectId: 'x', faces: [], targets, count: 3, policy: 'coverage', seed: 0 }),
    [],
  );
});

const earlier = fc.record({ poses: fc.array(pose, { maxLength: 8 }), firstVariant: fc.nat({ max: 20 }) });
/** Faces side by side, and postures that are taken again and again. */
const crowded = fc.record({
  subjectId: fc.string(),
  faces: fc.array(fc.record({ yaw: fc.integer({ min: -9, max: 9 }), pitch: fc.constant(0) }), {
    minLength: 1,
    maxLength: 20,
  }),
  targets: fc
    .array(fc.integer({ min: -60, max: 60 }), { minLength: 1, maxLength: 3 })
    .map((yaw) => binTargets({ yaw, pitch: yaw.map(() => 0) })),
  count: fc.integer({ min: 0, max: 80 }),
  policy: fc.constantFrom('coverage' as const, 'uniform' as const, 'random' as const),
  seed: fc.nat(),
});

test('the choices are those of looking at every face for every variant, ties and earlier rows included', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(request, crowded), fc.option(earlier), async (asked, before) => {
      const all = { ...asked, ...(before && { earlier: before }) };
      assert.deepEqual(await choose(all), plainVariants(all));
    }),
    { numRuns: 300 },
  );
});

test('somebody with very many photographs and variants keeps the event loop waiting for moments only', async () => {
  const faces = Array.from({ length: 20_000 }, (_, i) => ({ yaw: (i % 41) - 20, pitch: (i % 13) - 6 }));
  const yaw = Array.from({ length: 200 }, (_, i) => i - 100);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const begun = process.cpuUsage();
  const asked = { subjectId: 'a', faces, targets: binTargets({ yaw, pitch: yaw.map(() => 0) }), seed: 1 };
  const chosen = await choose({ ...asked, count: 2_000, policy: 'coverage' });
  const { user } = process.cpuUsage(begun);
  clearInterval(timer);
  assert.equal(chosen.length, 2_000);
  // Every 8 ms, and no stretch is longer than one posture takes.
  assert.ok(turns >= user / 1_000 / 50, `${turns} turns in ${user / 1_000} ms`);
});
