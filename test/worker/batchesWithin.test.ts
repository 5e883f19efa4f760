import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { batchesWithin } from '../../src/worker/batchesWithin.ts';

const sizes = fc.array(fc.nat(20), { maxLength: 60 });
const limits = fc.record({ items: fc.integer({ min: 1, max: 10 }), size: fc.integer({ min: 1, max: 40 }) });

test('batches hold every item once, in order, none too many and none too large, and no fewer than fit', () => {
  fc.assert(
    fc.property(sizes, limits, (all, most) => {
      const batches = batchesWithin(all, most, (size) => size);
      assert.deepEqual(batches.flat(), all);
      const sum = (batch: readonly number[]) => batch.reduce((a, b) => a + b, 0);
      batches.forEach((batch, i) => {
        assert.ok(batch.length >= 1 && batch.length <= most.items);
        assert.ok(batch.length === 1 || sum(batch) <= most.size);
        const next = batches[i + 1]?.[0];
        if (next !== undefined) assert.ok(batch.length === most.items || sum(batch) + next > most.size);
      });
    }),
  );
});
