import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressOf } from '../../../src/cli/output/progressOf.ts';

const extent = { shards: 8, faces: 80 };

test('faces in work count beside the commits, and never make more than the run has', () => {
  const inFlight = { faces: 12, rejects: 1, variants: 24 };
  const at = (shardsDone: number) => {
    const done = { shardsDone, faces: 10 * shardsDone, rejects: shardsDone, variants: 20 * shardsDone };
    const { faces, rejects, variants } = progressOf(done, inFlight, extent, false);
    return { faces, rejects, variants };
  };
  assert.deepEqual(at(6), { faces: 72, rejects: 7, variants: 144 });
  assert.equal(at(7).faces, 80, 'one of them was committed by another worker');
  assert.deepEqual(at(8), { faces: 80, rejects: 8, variants: 160 }, 'all of them were');
});
