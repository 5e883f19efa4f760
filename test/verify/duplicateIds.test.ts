import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DuplicateIds, hashText } from '../../src/verify/duplicateIds.ts';

for (const maxInMemory of [1_000_000, 10]) {
  test(`texts that occur twice, and no others, are candidates, with ${maxInMemory} hashes in memory`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ maxLength: 3 }), { maxLength: 200 }), async (texts) => {
        const ids = new DuplicateIds(maxInMemory);
        try {
          for (const text of texts) {
            ids.add(text);
            await ids.settle();
          }
          const twice = texts.filter((text, i) => texts.indexOf(text) !== i);
          assert.deepEqual(await ids.candidates(), new Set(twice.map(hashText)));
        } finally {
          await ids.close();
        }
      }),
      { numRuns: maxInMemory === 10 ? 10 : 100 },
    );
  });
}

test('a million different names have a million different hashes', async () => {
  const ids = new DuplicateIds();
  for (let i = 0; i < 1_000_000; i++) ids.add(`person-${i % 1000}/image-${i}.jpg`);
  assert.equal((await ids.candidates()).size, 0);
});
