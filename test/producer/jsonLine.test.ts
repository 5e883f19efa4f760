import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jsonLine } from '../../src/producer/writeListing.ts';

test('a line of the fingerprint is what JSON makes of subject, face, path, bytes and offset', () => {
  const name = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.string({
      unit: fc.constantFrom('"', '\\', '\n', '\u007f', '\u0085', '\u2028', '\ud83d', '\ude42', 'a'),
    }),
  );
  fc.assert(
    fc.property(name, name, name, fc.nat(), fc.option(fc.nat()), (subjectId, faceId, uri, bytes, at) => {
      const expected = JSON.stringify([subjectId, faceId, uri, bytes, ...(at === null ? [] : [at])]);
      const offset = at === null ? {} : { offset: at };
      assert.equal(jsonLine({ subjectId, faceId, uri, bytes, ...offset }), expected);
    }),
    { numRuns: 300 },
  );
});
