import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countPoses, poseBin, poseCoverage } from '../../../src/shared/poseBins.ts';
import { binTargets, chooseVariants } from '../../../src/worker/stages/chooseVariants.ts';

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

test('the same seed, subject and faces choose the same variants, numbered from 0', () => {
  fc.assert(
    fc.property(request, (asked) => {
      const chosen = chooseVariants(asked);
      assert.deepEqual(chooseVariants(asked), chosen);
      assert.deepEqual(
        chosen.map((choice) => choice.variant),
        Array.from({ length: asked.count }, (_, variant) => variant),
      );
    }),
  );
});

test('every choice names a face of the subject and an entry of the bank', () => {
  fc.assert(
    fc.property(request, (asked) => {
      for (const { source, posture } of chooseVariants(asked)) {
        assert.ok(source in asked.faces);
        assert.ok(posture >= 0 && posture < asked.targets.poses.yaw.length);
      }
    }),
  );
});

test('no posture is taken twice before all have been taken', () => {
  fc.assert(
    fc.property(request, (asked) => {
      const times = new Map<number, number>();
      for (const { posture } of chooseVariants(asked)) times.set(posture, (times.get(posture) ?? 0) + 1);
      const all = Array.from(asked.targets.poses.yaw, (_, posture) => times.get(posture) ?? 0);
      assert.ok(Math.max(...all) - Math.min(...all) <= 1);
    }),
  );
});

test('a posture that is taken again gets another photograph, as long as one is nearly as near', () => {
  const faces = [0, 3, 6].map((yaw) => ({ yaw, pitch: 0 }));
  const bank = binTargets({ yaw: [20, 40, -30], pitch: [0, 0, 0] });
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const asked = { subjectId: 'a', faces, targets: bank, count: 9, policy: 'coverage' as const, seed };
      const pairs = chooseVariants(asked).map(({ source, posture }) => `${source} ${posture}`);
      assert.equal(new Set(pairs).size, 9);
    }),
  );
});

/** Where this many variants leave no bin without entries that were not taken. */
const withoutRepeats = request.filter(
  ({ targets, count }) =>
    Math.min(...targets.members.map(({ length }) => length)) * targets.members.length >= count,
);

test('coverage never fills a bin while a reachable bin with postures left holds fewer faces', () => {
  fc.assert(
    fc.property(request, (asked) => {
      const counts = countPoses(asked.faces);
      let left = asked.targets.members.map((entries) => new Set(entries));
      for (const { posture } of chooseVariants({ ...asked, policy: 'coverage' })) {
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

test('with as many variants as reachable bins, coverage reaches every bin', () => {
  fc.assert(
    fc.property(request, (asked) => {
      const { targets } = asked;
      const chosen = chooseVariants({ ...asked, policy: 'coverage', count: targets.reachable.length });
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

test('uniform gives every reachable bin the same number of variants, give or take one, while each has postures left', () => {
  fc.assert(
    fc.property(withoutRepeats, (asked) => {
      const counts = new Map<number, number>();
      for (const { posture } of chooseVariants({ ...asked, policy: 'uniform' })) {
        const bin = asked.targets.members.findIndex((members) => members.includes(posture));
        counts.set(bin, (counts.get(bin) ?? 0) + 1);
      }
      const all = asked.targets.reachable.map((_, bin) => counts.get(bin) ?? 0);
      assert.ok(Math.max(...all) - Math.min(...all) <= 1);
    }),
  );
});

test('the source is a face that has to turn least, within ten degrees', () => {
  const targets = binTargets({ yaw: [60], pitch: [0] });
  const faces = [
    { yaw: -40, pitch: 0 },
    { yaw: 35, pitch: 0 },
    { yaw: 0, pitch: 0 },
  ];
  const sources = chooseVariants({
    subjectId: 'anna',
    faces,
    targets,
    count: 20,
    policy: 'coverage',
    seed: 1,
  }).map((choice) => choice.source);
  assert.deepEqual(new Set(sources), new Set([1]));
});

test('a subject without usable faces gets no variants', () => {
  const targets = binTargets({ yaw: [0], pitch: [0] });
  assert.deepEqual(
    chooseVariants({ subjectId: 'x', faces: [], targets, count: 3, policy: 'coverage', seed: 0 }),
    [],
  );
});
