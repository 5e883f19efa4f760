import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PlannedShard, SubjectSize } from '../../src/producer/shardPlanner.ts';
import { planShards } from '../helpers/planShards.ts';

const limits = { shardFaces: 10, shardBytes: 1_000, shardSubjects: 8, partRows: 25 };

const subjects = fc.array(
  fc.record({ faces: fc.integer({ min: 1, max: 30 }), bytes: fc.integer({ min: 0, max: 2_500 }) }),
  { maxLength: 60 },
);
const anyLimits = fc.record({
  shardFaces: fc.integer({ min: 1, max: 40 }),
  shardBytes: fc.integer({ min: 1, max: 5_000 }),
  shardSubjects: fc.integer({ min: 1, max: 8 }),
  partRows: fc.integer({ min: 1, max: 100 }),
});

/** Which subjects each shard holds, by the plan's own words. */
function subjectsOf(shard: PlannedShard, all: readonly SubjectSize[]): readonly SubjectSize[] {
  return all.slice(shard.firstClassIndex, shard.firstClassIndex + shard.subjects);
}

test('shards cover every row of every part once, in order', () => {
  fc.assert(
    fc.property(subjects, anyLimits, (all, asked) => {
      let part = 0;
      let row = 0;
      let firstClassIndex = 0;
      for (const [index, shard] of planShards(all, asked).entries()) {
        if (shard.part !== part) {
          assert.equal(shard.part, part + 1);
          part = shard.part;
          row = 0;
        }
        assert.deepEqual(
          { index: shard.index, rowStart: shard.rowStart, firstClassIndex: shard.firstClassIndex },
          { index, rowStart: row, firstClassIndex },
        );
        row = shard.rowEnd;
        firstClassIndex += shard.subjects;
      }
      assert.equal(firstClassIndex, all.length);
    }),
  );
});

test('a shard holds whole subjects, counted right', () => {
  fc.assert(
    fc.property(subjects, anyLimits, (all, asked) => {
      for (const shard of planShards(all, asked)) {
        const held = subjectsOf(shard, all);
        assert.ok(held.length > 0);
        const faces = held.reduce((sum, { faces }) => sum + faces, 0);
        assert.equal(shard.rowEnd - shard.rowStart, faces);
        assert.equal(shard.faces, faces);
        assert.equal(
          shard.bytes,
          held.reduce((sum, { bytes }) => sum + bytes, 0),
        );
      }
    }),
  );
});

test('a shard exceeds a limit only when it is one subject alone, and then it says so', () => {
  fc.assert(
    fc.property(subjects, anyLimits, (all, asked) => {
      for (const shard of planShards(all, asked)) {
        const exceeds = shard.faces > asked.shardFaces || shard.bytes > asked.shardBytes;
        assert.equal(shard.oversize, exceeds);
        if (exceeds) assert.equal(shard.subjects, 1);
        assert.ok(shard.subjects <= asked.shardSubjects);
      }
    }),
  );
});

test('a shard is closed only when the next subject does not fit in, or the part ends', () => {
  fc.assert(
    fc.property(subjects, anyLimits, (all, asked) => {
      const plan = planShards(all, asked);
      for (const [i, shard] of plan.entries()) {
        const next = all[shard.firstClassIndex + shard.subjects];
        if (next === undefined) continue;
        const fits =
          shard.faces + next.faces <= asked.shardFaces &&
          shard.bytes + next.bytes <= asked.shardBytes &&
          shard.subjects < asked.shardSubjects;
        if (fits) assert.equal(plan[i + 1]?.part, shard.part + 1);
      }
    }),
  );
});

test('a part ends with the first shard that reaches its rows', () => {
  fc.assert(
    fc.property(subjects, anyLimits, (all, asked) => {
      const plan = planShards(all, asked);
      for (const [i, shard] of plan.entries()) {
        const isLastOfPart = plan[i + 1] === undefined || plan[i + 1]?.part !== shard.part;
        if (!isLastOfPart) assert.ok(shard.rowEnd < asked.partRows);
        else if (plan[i + 1] !== undefined) assert.ok(shard.rowEnd >= asked.partRows);
      }
    }),
  );
});

test('no subjects, no shards', () => {
  assert.deepEqual(planShards([], limits), []);
});

test('bytes close a shard as faces do', () => {
  const plan = planShards(
    [
      { faces: 1, bytes: 600 },
      { faces: 1, bytes: 600 },
    ],
    limits,
  );
  assert.deepEqual(
    plan.map(({ faces }) => faces),
    [1, 1],
  );
});
