import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FaceRecord } from '../../src/shared/face.ts';
import { batchRecords } from '../../src/worker/batchRecords.ts';

const records = fc
  .array(fc.integer({ min: 0, max: 20 * 2 ** 20 }), { maxLength: 60 })
  .map((sizes) =>
    sizes.map((bytes, i): FaceRecord => ({ faceId: `f${i}`, subjectId: 's', uri: `f${i}`, bytes })),
  );

test('batches hold every record once, in order, none too many and none too heavy', () => {
  fc.assert(
    fc.property(records, fc.integer({ min: 1, max: 10 }), (listed, faces) => {
      const batches = batchRecords(listed, faces);
      assert.deepEqual(batches.flat(), listed);
      for (const batch of batches) {
        assert.ok(batch.length >= 1 && batch.length <= faces);
        const bytes = batch.reduce((sum, record) => sum + record.bytes, 0);
        assert.ok(batch.length === 1 || bytes <= 16 * 2 ** 20);
      }
    }),
  );
});
