import assert from 'node:assert/strict';
import { normalize, relative, resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareKeys, keyProblem } from '../../../src/shared/store/storeKey.ts';

const pieces = fc.array(
  fc.constantFrom('a', 'data', '..', '.', '', '/', '\\', '\0', ' ', 'ä', '.posecast-tmp', 'x.json'),
  {
    maxLength: 8,
  },
);

test('an accepted key names a place below the root, in one way only', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        pieces.map((all) => all.join('/')),
        pieces.map((all) => all.join('')),
        fc.string(),
      ),
      (key) => {
        if (keyProblem(key) !== undefined) return;
        const way = relative('/root', resolve('/root', key));
        assert.ok(way !== '' && way !== '..' && !way.startsWith('../') && !way.startsWith('/'));
        assert.equal(normalize(key), key);
        assert.ok(!key.startsWith('.posecast-tmp/'));
      },
    ),
    { numRuns: 5000 },
  );
});

test('the keys a run uses are accepted', () => {
  for (const key of [
    'run.json',
    '_SUCCESS',
    'data/00000001-3f2a-99.parquet',
    'commits/00000001.json',
    'listing/part-00000.parquet',
  ]) {
    assert.equal(keyProblem(key), undefined);
  }
});

test('keys are ordered as their UTF-8 bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
      assert.equal(compareKeys(a, b), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});
