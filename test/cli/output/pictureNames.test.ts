import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pictureNames } from '../../../src/cli/output/pictureNames.ts';

test('names of any script stay readable, and one that had to be changed is not that of another', () => {
  const nameOf = pictureNames();
  assert.equal(nameOf('coverage-李小龙'), 'coverage-李小龙');
  assert.match(nameOf('coverage-Анна Иванова'), /^coverage-Анна_Иванова-[0-9a-f]{8}$/);
  assert.equal(nameOf('coverage-a_b'), 'coverage-a_b');
  assert.match(nameOf('coverage-a b'), /^coverage-a_b-[0-9a-f]{8}$/);
  assert.equal(nameOf('face-001-smile'), 'face-001-smile');
  assert.equal(nameOf('face-001-smile'), 'face-001-smile-2');
});

test('no two pictures of a command have one name, and every name is one of a file', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 400 })), (words) => {
      const names = words.map(pictureNames());
      assert.equal(new Set(names.map((name) => name.toLowerCase())).size, words.length);
      for (const name of names) assert.ok(Buffer.byteLength(name) < 250 && !/[/\0]/.test(name));
    }),
  );
});
