import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { binCentre, countPoses, POSE_BINS, poseBin, poseCoverage } from '../../src/shared/poseBins.ts';

test('the centre of a bin falls in that bin', () => {
  for (let bin = 0; bin < POSE_BINS; bin++) assert.equal(poseBin(binCentre(bin)), bin);
});

test('every pose falls in exactly one bin, however far it is turned', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -180, max: 180, noNaN: true }),
      fc.double({ min: -90, max: 90, noNaN: true }),
      (yaw, pitch) => {
        const bin = poseBin({ yaw, pitch });
        assert.ok(Number.isInteger(bin) && bin >= 0 && bin < POSE_BINS);
      },
    ),
  );
});

test('coverage is the share of reachable bins that hold a face', () => {
  const counts = countPoses([
    { yaw: 0, pitch: 0 },
    { yaw: 3, pitch: 2 },
    { yaw: 60, pitch: 0 },
  ]);
  const reachable = [-60, 0, 30, 60].map((yaw) => poseBin({ yaw, pitch: 0 }));
  assert.equal(poseCoverage(counts, reachable), 0.5);
  assert.equal(poseCoverage(counts, []), 0);
});
