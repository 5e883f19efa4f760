import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareFaces, compareUtf8 } from '../../../src/shared/listing/listingOrder.ts';

test('strings compare as their UTF-8 bytes do', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      assert.equal(Math.sign(compareUtf8(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

test('a character above U+FFFF comes after one below, unlike in JavaScript', () => {
  assert.ok(compareUtf8('\u{1F600}', '\uFF5E') > 0);
  assert.ok('\u{1F600}' < '\uFF5E');
});

test('faces compare by subject first', () => {
  assert.ok(compareFaces({ subjectId: 'a', faceId: 'z' }, { subjectId: 'b', faceId: 'a' }) < 0);
  assert.ok(compareFaces({ subjectId: 'a', faceId: 'b' }, { subjectId: 'a', faceId: 'a' }) > 0);
  assert.equal(compareFaces({ subjectId: 'a', faceId: 'b' }, { subjectId: 'a', faceId: 'b' }), 0);
});
